// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IEngines} from "../src/interfaces/IEngines.sol";
import {IPolicies} from "../src/interfaces/IPolicies.sol";
import {IStaking} from "../src/interfaces/IStaking.sol";
import {IValidators} from "../src/interfaces/IValidators.sol";
import {vm} from "./Base.sol";
import {Consortium} from "./Consortium.sol";

/// @title What engine tests stand on: a consortium, and contracts of both kinds.
abstract contract Engineered is Consortium {
    uint64 internal constant NOTICE = 20;

    IEngines internal engines;
    address internal registry;
    address internal staking;

    function build() internal {
        found();
        engines = IEngines(deploy("Engines", abi.encode(members, NOTICE)));
        address[] memory accounts = new address[](2);
        string[] memory names = new string[](2);
        (accounts[0],) = person("one");
        (accounts[1],) = person("two");
        (names[0], names[1]) = ("one", "two");
        registry = deploy(
            "ValidatorRegistry",
            abi.encode(accounts, names, uint8(20), uint8(10), uint24(0), uint64(30), uint64(50), policies)
        );
        IStaking.Founder[] memory founders = new IStaking.Founder[](1);
        founders[0] = IStaking.Founder({account: accounts[0], name: "one", bond: 20 ether, commissionBps: 0});
        staking = deploy("Staking", abi.encode(founders, stakingRules(), policies), 20 ether);
    }

    function stakingRules() internal pure returns (IStaking.Rules memory) {
        return IStaking.Rules({
            window: 20,
            missedMax: 10,
            absentSeconds: 0,
            jailBlocks: 30,
            unbondingBlocks: 40,
            commissionBlocks: 25,
            powerUnit: 1 ether,
            selfBondMin: 10 ether,
            rewardPerBlock: 1 ether,
            proposerBps: 1000,
            slashBps: 500
        });
    }

    function timing() internal pure returns (IEngines.Timing memory) {
        return IEngines.Timing({
            blockTimeMs: 0, emptyBlockTimeMs: 5000, proposeTimeoutMs: 500, voteTimeoutMs: 300, timeoutStepMs: 250
        });
    }

    function toStaking(uint64 from) internal view returns (bytes memory) {
        return abi.encodeCall(IEngines.change, (from, IEngines.Kind.Pos, staking, timing()));
    }

    /// @dev What the contract of policies does once members have agreed.
    function carry(bytes memory data) internal {
        vm.prank(address(policies));
        (bool done, bytes memory why) = address(engines).call(data);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(why, 32), mload(why))
            }
        }
    }
}

/// @title A contract that pretends to know validators.
contract Pretender {
    IValidators.Validator[] private _list;
    uint256 private _words;

    constructor(IValidators.Validator[] memory list_, uint256 words) {
        for (uint256 i = 0; i < list_.length; ++i) {
            _list.push(list_[i]);
        }
        _words = words;
    }

    function validators() external view returns (IValidators.Validator[] memory) {
        return _list;
    }

    fallback() external {
        bytes memory answer = new bytes(_words * 32);
        assembly ("memory-safe") {
            return(add(answer, 32), mload(answer))
        }
    }
}

/// @title Changes of engine by vote.
contract EnginesTest is Engineered {
    function setUp() public {
        build();
    }

    function test_MembersDecideAndEverybodyCanRead() public {
        assertEq(engines.members(), address(members), "members");
        assertEq(engines.notice(), NOTICE, "notice");
        uint64 from = uint64(block.number) + NOTICE;
        uint256 id = agree(calls(address(engines), toStaking(from)));
        vm.expectEmit(address(engines));
        emit IEngines.ChangeDecided(0, from, staking, IEngines.Kind.Pos, timing());
        policies.execute(id);
        assertEq(engines.changeCount(), 1, "count");
        IEngines.Change memory told = engines.waiting();
        assertEq(told.from, from, "from");
        assertEq(told.validators, staking, "contract");
        assertTrue(told.kind == IEngines.Kind.Pos, "kind");
        assertEq(keccak256(abi.encode(told.timing)), keccak256(abi.encode(timing())), "timing");
        // In the first block that the new engine decides, nothing waits any more.
        vm.roll(from - 1);
        assertEq(engines.waiting().from, from, "still waits");
        vm.roll(from);
        assertEq(engines.waiting().from, 0, "took effect");

        IEngines.Timing memory slow = timing();
        slow.blockTimeMs = 2000;
        decide(address(engines), abi.encodeCall(IEngines.change, (from + NOTICE, IEngines.Kind.Pos, staking, slow)));
        vm.roll(from + NOTICE);
        decide(address(engines), abi.encodeCall(IEngines.change, (from + 50, IEngines.Kind.Bft, registry, timing())));
        IEngines.Change[] memory list = engines.changes(0, 10);
        assertEq(list.length, 3, "all");
        assertTrue(list[0].from < list[1].from && list[1].from < list[2].from, "ascending");
        assertEq(engines.changes(1, 1)[0].timing.blockTimeMs, 2000, "one of them");
        assertEq(engines.changes(3, 10).length, 0, "none after the last");
    }

    /// @dev Nodes and light clients read these slots by themselves.
    function test_WhereItIsKept() public {
        uint64 from = uint64(block.number) + NOTICE;
        carry(toStaking(from));
        vm.roll(from);
        IEngines.Timing memory other = IEngines.Timing(1, 2, 3, 4, 5);
        carry(abi.encodeCall(IEngines.change, (from + 99, IEngines.Kind.Bft, registry, other)));
        uint256 place = uint256(keccak256(abi.encode(uint256(0))));
        assertEq(uint256(vm.load(address(engines), 0)), 2, "count");
        assertEq(uint256(vm.load(address(engines), bytes32(place))), packed(staking, from, 2), "first");
        assertEq(uint256(vm.load(address(engines), bytes32(place + 2))), packed(registry, from + 99, 1), "second");
        uint256 times = 1 | (2 << 32) | (3 << 64) | (4 << 96) | (5 << 128);
        assertEq(uint256(vm.load(address(engines), bytes32(place + 3))), times, "its times");
    }

    function packed(address contract_, uint64 from, uint256 kind) private pure returns (uint256) {
        return uint160(contract_) | (uint256(from) << 160) | (kind << 224);
    }

    function test_OnlyTheGovernor() public {
        bytes memory data = toStaking(uint64(block.number) + NOTICE);
        address[3] memory others = [bankAdmin, stranger, address(members)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IEngines.NotGovernor.selector, others[i]));
            vm.prank(others[i]);
            (bool done,) = address(engines).call(data);
            assertTrue(done, "as expected");
            vm.expectRevert(abi.encodeWithSelector(IEngines.NotGovernor.selector, others[i]));
            vm.prank(others[i]);
            engines.cancel();
        }
    }

    function test_TheNoticeIsKept() public {
        uint256 earliest = block.number + NOTICE;
        vm.expectRevert(abi.encodeWithSelector(IEngines.TooSoon.selector, earliest - 1, earliest));
        carry(toStaking(uint64(earliest - 1)));
        vm.expectRevert(abi.encodeWithSelector(IEngines.TooSoon.selector, 0, earliest));
        carry(toStaking(0));
        carry(toStaking(uint64(earliest)));
    }

    function test_OneChangeWaitsAtATime() public {
        uint64 from = uint64(block.number) + NOTICE + 5;
        carry(toStaking(from));
        vm.expectRevert(abi.encodeWithSelector(IEngines.ChangeWaits.selector, from));
        carry(toStaking(from + NOTICE));
        vm.roll(from - 1);
        vm.expectRevert(abi.encodeWithSelector(IEngines.ChangeWaits.selector, from));
        carry(toStaking(from + NOTICE));
        vm.roll(from);
        carry(toStaking(from + NOTICE));
    }

    function test_ACancelledChangeIsNone() public {
        vm.expectRevert(IEngines.NothingWaits.selector);
        carry(abi.encodeCall(IEngines.cancel, ()));
        uint64 from = uint64(block.number) + NOTICE + 5;
        carry(toStaking(from));
        vm.roll(from - NOTICE);
        vm.expectEmit(address(engines));
        emit IEngines.ChangeCancelled(0, from);
        carry(abi.encodeCall(IEngines.cancel, ()));
        assertEq(engines.changeCount(), 0, "none");
        assertEq(engines.waiting().from, 0, "none waits");
        carry(toStaking(from + 10));
        assertEq(engines.waiting().from, from + 10, "another instead");
    }

    function test_WhatNodesMayHaveActedOnStays() public {
        uint64 from = uint64(block.number) + NOTICE + 5;
        carry(toStaking(from));
        for (uint256 number = from - NOTICE + 1; number < from; ++number) {
            vm.roll(number);
            vm.expectRevert(abi.encodeWithSelector(IEngines.IsFixed.selector, from));
            carry(abi.encodeCall(IEngines.cancel, ()));
        }
        vm.roll(from);
        vm.expectRevert(IEngines.NothingWaits.selector);
        carry(abi.encodeCall(IEngines.cancel, ()));
    }

    function test_WhatNobodyCouldFollowIsRefused() public {
        refuseFor(IEngines.Kind.None, staking, "engine");
        refuseFor(IEngines.Kind.Bft, stranger, "code");
        refuseFor(IEngines.Kind.Bft, address(0), "code");
        refuseFor(IEngines.Kind.Bft, staking, "kind");
        refuseFor(IEngines.Kind.Pos, registry, "kind");
        refuseFor(IEngines.Kind.Pos, address(members), "kind");
        refuseFor(IEngines.Kind.Bft, address(engines), "kind");
        refuseFor(IEngines.Kind.Pos, pretender(seats(1), 10), "kind");
        refuseFor(IEngines.Kind.Bft, pretender(seats(0), 1), "count");
        refuseFor(IEngines.Kind.Pos, pretender(seats(0), 11), "count");
        refuseFor(IEngines.Kind.Bft, pretender(seats(65), 1), "count");
        IValidators.Validator[] memory list = seats(3);
        list[2].account = list[1].account;
        refuseFor(IEngines.Kind.Bft, pretender(list, 1), "seats");
        list = seats(3);
        list[0].power = 0;
        refuseFor(IEngines.Kind.Bft, pretender(list, 1), "seats");
        list = seats(2);
        (list[0].proposes, list[1].proposes) = (false, false);
        refuseFor(IEngines.Kind.Bft, pretender(list, 1), "proposers");
        uint64 from = uint64(block.number) + NOTICE;
        carry(abi.encodeCall(IEngines.change, (from, IEngines.Kind.Bft, pretender(seats(64), 1), timing())));
    }

    function test_TimesHaveTheBoundsOfAGenesisFile() public {
        string[5] memory names =
            ["blockTimeMs", "emptyBlockTimeMs", "proposeTimeoutMs", "voteTimeoutMs", "timeoutStepMs"];
        uint32[5] memory least = [uint32(0), 0, 1, 1, 0];
        uint32[5] memory most = [uint32(86_400_000), 86_400_000, 10_000, 10_000, 10_000];
        for (uint256 i = 0; i < 5; ++i) {
            if (least[i] != 0) refuseTime(i, least[i] - 1, names[i], least[i], most[i]);
            refuseTime(i, most[i] + 1, names[i], least[i], most[i]);
            refuseTime(i, type(uint32).max, names[i], least[i], most[i]);
        }
        uint64 from = uint64(block.number) + NOTICE;
        carry(
            abi.encodeCall(
                IEngines.change,
                (from, IEngines.Kind.Pos, staking, IEngines.Timing(least[0], least[1], least[2], least[3], least[4]))
            )
        );
        vm.roll(from);
        carry(
            abi.encodeCall(
                IEngines.change,
                (
                    from + NOTICE,
                    IEngines.Kind.Pos,
                    staking,
                    IEngines.Timing(most[0], most[1], most[2], most[3], most[4])
                )
            )
        );
    }

    function test_ItsPolicyDecidesOnIt() public {
        decide(abi.encodeCall(IPolicies.setTopic, (address(engines), "engine")));
        decide(abi.encodeCall(IPolicies.setPolicy, ("engine", principal(BANK, ADMIN_BIT, 1))));
        uint256 id = propose(brandAdmin, calls(address(engines), toStaking(uint64(block.number) + NOTICE)));
        approve(shopAdmin, id);
        // Two of three, but not the one whose word it is.
        vm.expectRevert();
        policies.execute(id);
        assertEq(engines.changeCount(), 0, "none");
        approve(bankAdmin, id);
        policies.execute(id);
        assertEq(engines.changeCount(), 1, "decided");
    }

    function test_TheNoticeHasBounds() public {
        uint64[3] memory wrong = [uint64(0), 1, 10_000_001];
        for (uint256 i = 0; i < wrong.length; ++i) {
            assertTrue(!isBuilt(wrong[i]), "refused");
        }
        assertTrue(isBuilt(2) && isBuilt(10_000_000), "taken");
    }

    /// @dev Whatever is asked for when: changes ascend, each was decided with notice, and what was fixed stays.
    function testFuzz_TheScheduleOfTheNearFutureNeverChanges(uint256 seed) public {
        uint64[32] memory plan; // by distance: which change decides the block so far ahead
        uint256 start = block.number;
        for (uint256 step = 0; step < 40; ++step) {
            vm.roll(start + step);
            uint256 drawn = uint256(keccak256(abi.encode(seed, step)));
            bytes memory data = drawn % 3 == 0
                ? abi.encodeCall(IEngines.cancel, ())
                : toStaking(uint64(start + step + NOTICE - 3 + (drawn >> 8) % 12));
            vm.prank(address(policies));
            (bool done,) = address(engines).call(data);
            done;
            // What was said before this block of blocks nearer than the notice still holds.
            for (uint256 ahead = 1; ahead < NOTICE; ++ahead) {
                uint64 decides = decidesAt(start + step + ahead);
                if (step != 0) assertEq(decides, plan[ahead + 1], "what was fixed stays");
            }
            for (uint256 ahead = 1; ahead <= NOTICE; ++ahead) {
                plan[ahead] = decidesAt(start + step + ahead);
            }
        }
        IEngines.Change[] memory list = engines.changes(0, 100);
        for (uint256 i = 1; i < list.length; ++i) {
            assertTrue(list[i - 1].from < list[i].from, "ascending");
        }
    }

    /// @dev The first block of the change that decides a block; 0 for what genesis says.
    function decidesAt(uint256 number) private view returns (uint64 from) {
        IEngines.Change[] memory list = engines.changes(0, 100);
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i].from <= number) from = list[i].from;
        }
    }

    function refuseFor(IEngines.Kind kind, address validators, string memory why) private {
        uint64 from = uint64(block.number) + NOTICE;
        vm.expectRevert(abi.encodeWithSelector(IEngines.NotFollowable.selector, validators, why));
        carry(abi.encodeCall(IEngines.change, (from, kind, validators, timing())));
    }

    function refuseTime(uint256 which, uint32 time, string memory name, uint256 least, uint256 most) private {
        IEngines.Timing memory given = timing();
        if (which == 0) given.blockTimeMs = time;
        if (which == 1) given.emptyBlockTimeMs = time;
        if (which == 2) given.proposeTimeoutMs = time;
        if (which == 3) given.voteTimeoutMs = time;
        if (which == 4) given.timeoutStepMs = time;
        uint64 from = uint64(block.number) + NOTICE;
        vm.expectRevert(abi.encodeWithSelector(IEngines.InvalidTime.selector, name, least, most));
        carry(abi.encodeCall(IEngines.change, (from, IEngines.Kind.Pos, staking, given)));
    }

    function seats(uint256 count) private pure returns (IValidators.Validator[] memory list) {
        list = new IValidators.Validator[](count);
        for (uint256 i = 0; i < count; ++i) {
            list[i] = IValidators.Validator({account: address(uint160(i + 1)), power: 1, proposes: true});
        }
    }

    function pretender(IValidators.Validator[] memory list, uint256 words) private returns (address) {
        return address(new Pretender(list, words));
    }

    function isBuilt(uint64 notice) private returns (bool) {
        bytes memory code = abi.encodePacked(vm.getCode("Engines.sol:Engines"), abi.encode(members, notice));
        address made;
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
        }
        return made != address(0);
    }
}

/// @title What a vote on the engine costs.
/// @dev Run with `npm run gas`, which compares with snapshots/EnginesGasTest.json.
contract EnginesGasTest is Engineered {
    function setUp() public {
        build();
    }

    function test_GasOfChanges() public {
        carry(toStaking(uint64(block.number) + NOTICE));
        vm.snapshotGasLastCall("change, to one validator");
        carry(abi.encodeCall(IEngines.cancel, ()));
        vm.snapshotGasLastCall("cancel");
    }
}
