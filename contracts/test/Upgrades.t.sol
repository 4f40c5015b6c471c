// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IPolicies} from "../src/interfaces/IPolicies.sol";
import {IUpgrades} from "../src/interfaces/IUpgrades.sol";
import {vm} from "./Base.sol";
import {Consortium} from "./Consortium.sol";
import {Grasping, Next, Willing} from "./Replaced.sol";

/// @title Which contracts get other code, and who decides it.
contract UpgradesTest is Consortium {
    address private constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    bytes32 private constant NEXT_SLOT =
        keccak256(abi.encode(uint256(keccak256("hanse.upgrades.next")) - 1)) & ~bytes32(uint256(0xff));
    bytes32 private constant VERSION_SLOT =
        keccak256(abi.encode(uint256(keccak256("hanse.upgrades.version")) - 1)) & ~bytes32(uint256(0xff));
    uint256 private constant WAITING_MAX = 8;
    uint256 private constant AHEAD_MAX = 1_000_000;

    IUpgrades private upgrades;
    Willing private willing;
    Next private next;

    function setUp() public {
        found();
        address[] memory covered = new address[](2);
        (covered[0], covered[1]) = (address(members), address(policies));
        upgrades = IUpgrades(deploy("Upgrades", abi.encode(address(members), covered)));
        vm.prank(address(policies));
        policies.setTopic(address(upgrades), "upgrades");
        willing = new Willing(upgrades);
        next = new Next(stranger);
    }

    // Who decides.

    function test_ThePolicyOfUpgradesDecides() public {
        bytes memory scheduling = call(address(willing), address(next), 0, "");
        uint256 id = propose(bankAdmin, calls(address(upgrades), scheduling));
        vm.expectRevert(abi.encodeWithSelector(IPolicies.PolicyNotMet.selector, bytes32("upgrades"), share(1, 1, 2)));
        policies.execute(id);
        approve(shopAdmin, id);
        policies.execute(id);
        assertEq(upgrades.upgradeCount(), 1, "scheduled");
        IUpgrades.Upgrade memory one = upgrades.upgrade(0);
        assertTrue(one.target == address(willing) && one.source == address(next), "what");
        assertTrue(one.status == IUpgrades.Status.Waiting && one.failure == IUpgrades.Failure.None, "status");
        assertTrue(one.scheduledIn == 100 && one.fromBlock == 101 && one.settledIn == 0, "when");
        assertTrue(one.oldCodeHash == address(willing).codehash && one.newCodeHash == address(next).codehash, "codes");
    }

    function test_NobodyElseDecides() public {
        schedule(address(willing), address(next), 0, "");
        address[4] memory callers = [stranger, bankAdmin, SYSTEM, address(willing)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.startPrank(callers[i]);
            vm.expectRevert(abi.encodeWithSelector(IUpgrades.NotGovernor.selector, callers[i]));
            upgrades.schedule(address(members), 0, address(next), 0, 0, "");
            vm.expectRevert(abi.encodeWithSelector(IUpgrades.NotGovernor.selector, callers[i]));
            upgrades.cancel(0);
            vm.stopPrank();
        }
        address[3] memory others = [stranger, address(policies), address(upgrades)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IUpgrades.NotSystem.selector, others[i]));
            upgrades.settle(0, 0, IUpgrades.Failure.None, "");
        }
    }

    // Consent.

    function test_OnlyWhoAgreedIsReplaced() public {
        address[] memory covered = upgrades.covered(0, 10);
        assertEq(covered.length, 4, "count");
        assertEq(upgrades.coveredCount(), 4, "and as it says");
        assertTrue(covered[0] == address(upgrades) && covered[1] == address(members), "first");
        assertTrue(covered[2] == address(policies) && covered[3] == address(willing), "last");
        assertEq(upgrades.covered(3, 5).length, 1, "a page");
        assertEq(upgrades.covered(9, 5).length, 0, "no page");
        assertTrue(!upgrades.isCovered(address(next)), "nobody asked it");
        refuse(
            address(next), address(willing), 0, "", abi.encodeWithSelector(IUpgrades.NotCovered.selector, address(next))
        );
        vm.prank(address(willing));
        vm.expectRevert(abi.encodeWithSelector(IUpgrades.AlreadyCovered.selector, address(willing)));
        upgrades.enlist();
        vm.expectEmit(address(upgrades));
        emit IUpgrades.Enlisted(address(next));
        vm.prank(address(next));
        upgrades.enlist();
        schedule(address(next), address(willing), 0, "");
    }

    function test_AnAccountWithoutCodeIsNoContract() public {
        vm.prank(stranger);
        upgrades.enlist();
        bytes memory noTarget = abi.encodeWithSelector(IUpgrades.InvalidUpgrade.selector, "target");
        refuse(stranger, address(next), 0, "", noTarget);
        refuse(address(willing), bankAdmin, 0, "", abi.encodeWithSelector(IUpgrades.InvalidUpgrade.selector, "source"));
        // Nor is one that points to somebody else's (EIP-7702), on either side.
        vm.etch(stranger, abi.encodePacked(hex"ef0100", address(next)));
        refuse(stranger, address(next), 0, "", noTarget);
        refuse(address(willing), stranger, 0, "", abi.encodeWithSelector(IUpgrades.InvalidUpgrade.selector, "source"));
    }

    // What is looked at.

    function test_TheCodesAreThoseThatWereLookedAt() public {
        vm.startPrank(address(policies));
        bytes32 old = address(willing).codehash;
        bytes32 new_ = address(next).codehash;
        vm.expectRevert(abi.encodeWithSelector(IUpgrades.WrongCode.selector, address(willing), new_, old));
        upgrades.schedule(address(willing), new_, address(next), new_, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IUpgrades.WrongCode.selector, address(next), old, new_));
        upgrades.schedule(address(willing), old, address(next), old, 0, "");
        // What its constructor set is part of its code.
        Next other = new Next(bankAdmin);
        vm.expectRevert(
            abi.encodeWithSelector(IUpgrades.WrongCode.selector, address(other), new_, address(other).codehash)
        );
        upgrades.schedule(address(willing), old, address(other), new_, 0, "");
        vm.stopPrank();
        refuse(
            address(willing),
            address(willing),
            0,
            "",
            abi.encodeWithSelector(IUpgrades.InvalidUpgrade.selector, "source")
        );
    }

    function test_ItsTimeIsAheadAndNotTooFar() public {
        bytes memory wrong = abi.encodeWithSelector(IUpgrades.InvalidUpgrade.selector, "fromBlock");
        refuse(address(willing), address(next), 100, "", wrong);
        refuse(address(willing), address(next), 1, "", wrong);
        refuse(address(willing), address(next), uint64(100 + AHEAD_MAX + 1), "", wrong);
        refuse(address(willing), address(next), type(uint64).max, "", wrong);
        bytes memory tooLong = abi.encodeWithSelector(IUpgrades.InvalidUpgrade.selector, "migration");
        refuse(address(willing), address(next), 0, new bytes(4097), tooLong);
        schedule(address(willing), address(next), uint64(100 + AHEAD_MAX), new bytes(4096));
        assertEq(dueFrom(), 100 + AHEAD_MAX, "next");
    }

    function test_OneOfEachWaitsAndFewInAll() public {
        schedule(address(willing), address(next), 0, "");
        refuse(address(willing), address(next), 0, "", abi.encodeWithSelector(IUpgrades.AlreadyWaiting.selector, 0));
        for (uint256 i = 1; i < WAITING_MAX; ++i) {
            schedule(address(new Willing(upgrades)), address(next), 0, "");
        }
        address last = address(new Willing(upgrades));
        refuse(last, address(next), 0, "", abi.encodeWithSelector(IUpgrades.TooMany.selector, "waiting upgrades"));
        vm.prank(address(policies));
        upgrades.cancel(3);
        schedule(last, address(next), 0, "");
        assertEq(upgrades.waiting().length, WAITING_MAX, "waiting");
        vm.roll(101);
        IUpgrades.Due[] memory list = upgrades.due();
        assertEq(list.length, WAITING_MAX, "due");
        assertTrue(list[2].id == 2 && list[3].id == 4 && list[7].id == 8, "in order");
    }

    // What becomes of it.

    function test_ItIsAppliedInItsBlock() public {
        willing.increment();
        vm.expectEmit(address(upgrades));
        emit IUpgrades.Scheduled(
            0,
            address(willing),
            address(next),
            address(willing).codehash,
            address(next).codehash,
            105,
            abi.encodeCall(Next.migrate, (7))
        );
        schedule(address(willing), address(next), 105, abi.encodeCall(Next.migrate, (7)));
        vm.roll(104);
        assertEq(upgrades.due().length, 0, "not yet");
        bytes32 version = upgrades.version();
        vm.roll(105);
        carryOut("place");
        Next now_ = Next(address(willing));
        assertTrue(now_.count() == 1 && now_.edition() == 7 && now_.maker() == stranger, "kept, and new");
        now_.increment();
        assertEq(now_.count(), 3, "the new method");
        IUpgrades.Upgrade memory one = upgrades.upgrade(0);
        assertTrue(one.status == IUpgrades.Status.Applied && one.settledIn == 105, "status");
        assertTrue(upgrades.version() != version && dueFrom() == 0 && upgrades.due().length == 0, "over");
        assertEq(vm.load(address(upgrades), VERSION_SLOT), upgrades.version(), "as nodes read it");
        vm.prank(SYSTEM);
        vm.expectRevert(abi.encodeWithSelector(IUpgrades.NotWaiting.selector, 0));
        upgrades.settle(0, 0, IUpgrades.Failure.None, "");
    }

    function test_AFailureIsKeptWithItsReason() public {
        schedule(address(willing), address(next), 0, abi.encodeCall(Next.increment, ()));
        vm.roll(101);
        vm.expectEmit(address(upgrades));
        emit IUpgrades.Failed(0, address(willing), IUpgrades.Failure.Migration, "why");
        vm.prank(SYSTEM);
        upgrades.settle(0, "place", IUpgrades.Failure.Migration, "why");
        IUpgrades.Upgrade memory one = upgrades.upgrade(0);
        assertTrue(one.status == IUpgrades.Status.Failed && one.failure == IUpgrades.Failure.Migration, "status");
        assertEq(one.reason, "why", "reason");
        assertEq(upgrades.version(), 0, "nothing is different");
        schedule(address(willing), address(next), 0, "");
        assertEq(upgrades.upgrades(0, 9).length, 2, "again");
        assertEq(upgrades.upgrades(1, 9)[0].migration, "", "a page");
    }

    function test_CalledOffItIsNeverDue() public {
        schedule(address(willing), address(next), 105, "");
        schedule(address(members), address(next), 103, "");
        assertEq(dueFrom(), 103, "the first");
        uint256 id = agree(calls(address(upgrades), abi.encodeCall(IUpgrades.cancel, (1))));
        vm.expectEmit(address(upgrades));
        emit IUpgrades.Cancelled(1, address(members));
        policies.execute(id);
        assertEq(dueFrom(), 105, "the other");
        vm.startPrank(address(policies));
        vm.expectRevert(abi.encodeWithSelector(IUpgrades.NotWaiting.selector, 1));
        upgrades.cancel(1);
        vm.expectRevert(abi.encodeWithSelector(IUpgrades.UnknownUpgrade.selector, 2));
        upgrades.cancel(2);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IUpgrades.UnknownUpgrade.selector, 2));
        upgrades.upgrade(2);
        vm.roll(200);
        assertEq(upgrades.due().length, 1, "due");
        assertTrue(upgrades.upgrade(1).status == IUpgrades.Status.Cancelled, "status");
    }

    function test_VersionsNameThePlace() public {
        schedule(address(willing), address(next), 0, "");
        vm.roll(101);
        uint256 before = vm.snapshotState();
        vm.expectEmit(address(upgrades));
        emit IUpgrades.Applied(0, address(willing), address(next).codehash);
        vm.prank(SYSTEM);
        upgrades.settle(0, "here", IUpgrades.Failure.None, "");
        bytes32 here = upgrades.version();
        assertTrue(vm.revertToState(before), "back");
        carryOut("there");
        assertTrue(here != upgrades.version() && here != 0, "of another place");
    }

    /// New code may do what it likes at its own address, and no more.
    function test_NewCodeGraspsInVain() public {
        address grasping = address(new Grasping());
        address victim = address(new Willing(upgrades));
        schedule(address(willing), grasping, 0, "");
        schedule(victim, address(next), 110, "");
        vm.roll(101);
        carryOut("place");
        (bytes4 scheduled, bytes4 cancelled, bytes4 settled) =
            Grasping(address(willing)).grasp(upgrades, address(members), grasping);
        assertTrue(scheduled == IUpgrades.NotGovernor.selector, "schedule");
        assertTrue(cancelled == IUpgrades.NotGovernor.selector, "cancel");
        assertTrue(settled == IUpgrades.NotSystem.selector, "settle");
    }

    /// A second bookkeeping beside the contract, over schedules, cancellations and blocks by chance.
    function testFuzz_WhatNodesReadIsWhatWaits(uint256 seed) public {
        address[] memory targets = new address[](12);
        for (uint256 i = 0; i < 12; ++i) {
            targets[i] = address(new Willing(upgrades));
        }
        uint256[12] memory from; // by target, 0 when none waits
        uint256[12] memory ids;
        uint256 count = 0;
        for (uint256 step = 0; step < 40; ++step) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 which = (seed >> 8) % 12;
            uint256 what = seed % 8;
            if (what < 4 && from[which] == 0 && upgrades.waiting().length < WAITING_MAX) {
                from[which] = block.number + 1 + (seed >> 16) % 6;
                ids[which] = count++;
                schedule(targets[which], address(next), uint64(from[which]), "");
            } else if (what == 4 && from[which] != 0) {
                vm.prank(address(policies));
                upgrades.cancel(ids[which]);
                from[which] = 0;
            } else if (what > 4) {
                vm.roll(block.number + 1);
                bytes32 version = upgrades.version();
                uint256 carried = carryOut(bytes32(seed));
                assertTrue((upgrades.version() == version) == (carried == 0), "version");
                for (uint256 i = 0; i < 12; ++i) {
                    if (from[i] == 0 || from[i] > block.number) continue;
                    assertTrue(targets[i].codehash == address(next).codehash, "replaced");
                    vm.etch(targets[i], type(Willing).runtimeCode);
                    from[i] = 0;
                    --carried;
                }
                assertEq(carried, 0, "no more than were due");
            }
            uint256 first = 0;
            uint256 waiting = 0;
            for (uint256 i = 0; i < 12; ++i) {
                if (from[i] == 0) continue;
                ++waiting;
                if (first == 0 || from[i] < first) first = from[i];
            }
            assertEq(dueFrom(), first, "next");
            uint256[] memory listed = upgrades.waiting();
            assertEq(listed.length, waiting, "waiting");
            for (uint256 i = 1; i < listed.length; ++i) {
                assertTrue(listed[i - 1] < listed[i], "in order");
            }
        }
    }

    // Helpers.

    function call(address target, address source, uint64 fromBlock, bytes memory migration)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeCall(
            IUpgrades.schedule, (target, target.codehash, source, source.codehash, fromBlock, migration)
        );
    }

    function schedule(address target, address source, uint64 fromBlock, bytes memory migration) private {
        vm.prank(address(policies));
        upgrades.schedule(target, target.codehash, source, source.codehash, fromBlock, migration);
    }

    function refuse(address target, address source, uint64 fromBlock, bytes memory migration, bytes memory why)
        private
    {
        vm.expectRevert(why);
        schedule(target, source, fromBlock, migration);
    }

    /// @dev The height that nodes read.
    function dueFrom() private view returns (uint256) {
        return uint256(vm.load(address(upgrades), NEXT_SLOT));
    }

    /// @dev What nodes do at the beginning of a block, as long as nothing fails.
    function carryOut(bytes32 place) private returns (uint256) {
        IUpgrades.Due[] memory list = upgrades.due();
        for (uint256 i = 0; i < list.length; ++i) {
            IUpgrades.Due memory one = list[i];
            assertEq(one.target.codehash, one.oldCodeHash, "old code");
            assertEq(one.source.codehash, one.newCodeHash, "new code");
            vm.etch(one.target, one.source.code);
            if (one.migration.length != 0) {
                vm.prank(SYSTEM);
                (bool isDone,) = one.target.call(one.migration);
                assertTrue(isDone, "migration");
            }
            vm.prank(SYSTEM);
            upgrades.settle(one.id, place, IUpgrades.Failure.None, "");
        }
        return list.length;
    }
}
