// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IValidatorRegistry} from "../src/interfaces/IValidatorRegistry.sol";
import {IValidators} from "../src/interfaces/IValidators.sol";
import {vm} from "./Base.sol";
import {Consensus} from "./Consensus.sol";

/// @title How known organizations decide among themselves who validates.
contract ValidatorRegistryTest is Consensus {
    IValidatorRegistry private registry;
    address private newcomer;

    function setUp() public {
        registry = newRegistry(4);
        newcomer = accountOf(4);
        begin(5);
    }

    function test_MoreThanTwoThirdsTakeIn() public {
        vm.expectEmit(address(registry));
        emit IValidatorRegistry.Proposed(0, newcomer, true, accountOf(0), uint64(height) + MOTION_BLOCKS);
        uint256 id = propose(0, newcomer, "Newcomer Ltd", true);
        assertSupport(id, 1, 4);
        approve(1, id);
        assertStanding(newcomer, IValidators.Standing.None);
        vm.expectEmit(address(registry));
        emit IValidatorRegistry.Approved(id, accountOf(2));
        vm.expectEmit(address(registry));
        emit IValidatorRegistry.Carried(id);
        vm.expectEmit(address(registry));
        emit IValidators.ValidatorJoined(newcomer, uint64(height) + 2);
        approve(2, id);

        assertStanding(newcomer, IValidators.Standing.Active);
        assertEq(registry.name(newcomer), "Newcomer Ltd", "name");
        assertTrue(registry.motion(id).carried, "carried");
        assertEq(registry.motionCount(), 1, "motions");
        assertEq(registry.motionBlocks(), MOTION_BLOCKS, "motion blocks");
        begin();
        IValidators.Validator[] memory voters = registry.validators();
        assertEq(voters.length, 5, "voters");
        for (uint256 i = 0; i < 5; ++i) {
            assertEq(voters[i].power, 1, "power");
        }
    }

    function test_MoreThanTwoThirdsVoteOut() public {
        uint256 id = propose(0, accountOf(3), "", false);
        approve(1, id);
        vm.expectEmit(address(registry));
        emit IValidators.ValidatorRemoved(accountOf(3), IValidators.Standing.VotedOut, uint64(height) + 1);
        approve(2, id);
        assertStanding(accountOf(3), IValidators.Standing.VotedOut);
        begin();
        assertEq(registry.validators().length, 3, "voters");

        // It can be taken in again, by all three now.
        id = propose(0, accountOf(3), "Second chance", true);
        approve(1, id);
        assertStanding(accountOf(3), IValidators.Standing.VotedOut);
        approve(2, id);
        assertStanding(accountOf(3), IValidators.Standing.Active);
        assertEq(registry.accountCount(), 4, "known once");
    }

    function test_OnlyVotersVoteAndEachOnce() public {
        address[2] memory strangers = [newcomer, address(this)];
        uint256 id = propose(0, newcomer, "Newcomer Ltd", true);
        for (uint256 i = 0; i < 2; ++i) {
            vm.startPrank(strangers[i]);
            vm.expectRevert(abi.encodeWithSelector(IValidatorRegistry.NotVoter.selector, strangers[i]));
            registry.propose(newcomer, "Newcomer Ltd", true);
            vm.expectRevert(abi.encodeWithSelector(IValidatorRegistry.NotVoter.selector, strangers[i]));
            registry.approve(id);
            vm.stopPrank();
        }
        vm.expectRevert(abi.encodeWithSelector(IValidatorRegistry.AlreadyApproved.selector, id, accountOf(0)));
        approve(0, id);
        assertTrue(registry.hasApproved(id, accountOf(0)) && !registry.hasApproved(id, accountOf(1)), "approvals");
        vm.expectRevert(abi.encodeWithSelector(IValidatorRegistry.UnknownMotion.selector, 1));
        approve(0, 1);
        vm.expectRevert(abi.encodeWithSelector(IValidatorRegistry.UnknownMotion.selector, 1));
        registry.motion(1);
    }

    function test_MotionsRunOut() public {
        uint256 id = propose(0, newcomer, "Newcomer Ltd", true);
        begin(MOTION_BLOCKS);
        approve(1, id);
        begin();
        vm.expectRevert(abi.encodeWithSelector(IValidatorRegistry.MotionClosed.selector, id));
        approve(2, id);

        id = propose(0, newcomer, "Newcomer Ltd", true);
        approve(1, id);
        approve(2, id);
        vm.expectRevert(abi.encodeWithSelector(IValidatorRegistry.MotionClosed.selector, id));
        approve(3, id);
    }

    /// Who has left in the meantime does not count, neither for nor among.
    function test_OnlyWhoVotesNowCounts() public {
        uint256 id = propose(0, newcomer, "Newcomer Ltd", true);
        approve(1, id);
        vm.prank(accountOf(0));
        registry.resign();
        begin();
        assertSupport(id, 1, 3);
        approve(2, id);
        assertStanding(newcomer, IValidators.Standing.None);
        approve(3, id);
        assertStanding(newcomer, IValidators.Standing.Active);
    }

    function test_StandingsThatFitNoMotion() public {
        vm.expectRevert(wrong(accountOf(1), IValidators.Standing.Active));
        propose(0, accountOf(1), "again", true);
        vm.expectRevert(wrong(newcomer, IValidators.Standing.None));
        propose(0, newcomer, "", false);

        convict(nameOf(3), uint64(height));
        begin();
        vm.expectRevert(wrong(accountOf(3), IValidators.Standing.Equivocated));
        propose(0, accountOf(3), "never", true);
        vm.expectRevert(wrong(accountOf(3), IValidators.Standing.Equivocated));
        propose(0, accountOf(3), "", false);

        vm.expectRevert(wrong(newcomer, IValidators.Standing.None));
        vm.prank(newcomer);
        registry.resign();
    }

    function test_NewcomersHaveNames() public {
        vm.expectRevert(IValidators.InvalidName.selector);
        propose(0, newcomer, "", true);
        vm.expectRevert(IValidators.InvalidName.selector);
        propose(0, newcomer, string(new bytes(65)), true);
        vm.expectRevert(IValidators.InvalidValidators.selector);
        propose(0, address(0), "Nobody", true);
        propose(0, newcomer, string(new bytes(64)), true);
    }

    /// A motion that does not fit any more when the last vote comes is not carried.
    function test_MotionsAreCheckedAgainWhenCarried() public {
        uint256 first = propose(0, newcomer, "Newcomer Ltd", true);
        uint256 second = propose(1, newcomer, "Newcomer and Sons", true);
        approve(1, first);
        approve(2, first);
        approve(2, second);
        vm.expectRevert(wrong(newcomer, IValidators.Standing.Active));
        approve(3, second);
        assertTrue(!registry.motion(second).carried, "carried");
        assertEq(registry.name(newcomer), "Newcomer Ltd", "name");
    }

    /// The absent one keeps its place, cannot be taken in by a motion, and can be voted out.
    function test_TheAbsentAreStillIn() public {
        beginWithout(list(accountOf(3)), MISSED_MAX + 1);
        vm.expectRevert(wrong(accountOf(3), IValidators.Standing.Absent));
        propose(0, accountOf(3), "back", true);
        uint256 id = propose(0, accountOf(3), "", false);
        approve(1, id);
        assertStanding(accountOf(3), IValidators.Standing.Absent);
        approve(2, id);
        assertStanding(accountOf(3), IValidators.Standing.VotedOut);
        begin(WAIT_BLOCKS);
        vm.expectRevert(abi.encodeWithSelector(IValidators.NotAbsent.selector, accountOf(3)));
        vm.prank(accountOf(3));
        registry.rejoin();
    }

    function test_TheAbsentMayResign() public {
        beginWithout(list(accountOf(3)), MISSED_MAX + 1);
        vm.prank(accountOf(3));
        registry.resign();
        assertStanding(accountOf(3), IValidators.Standing.Left);
    }

    function test_TheLastOneCannotGo() public {
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(accountOf(i));
            registry.resign();
        }
        vm.expectRevert(IValidatorRegistry.LastValidator.selector);
        vm.prank(accountOf(3));
        registry.resign();
        begin();
        assertEq(registry.validators().length, 1, "voters");
        vm.expectRevert(IValidatorRegistry.LastValidator.selector);
        propose(3, accountOf(3), "", false);
        // Alone it decides alone.
        propose(3, newcomer, "Newcomer Ltd", true);
        assertStanding(newcomer, IValidators.Standing.Active);
    }

    function test_SixtyFourPlaces() public {
        registry = newRegistry(64);
        height = 0;
        delete voting;
        begin(2);
        vm.expectRevert(IValidatorRegistry.NoPlace.selector);
        propose(0, accountOf(64), "one too many", true);
        // A place is not free while somebody is away for absence.
        beginWithout(list(accountOf(7)), MISSED_MAX + 1);
        assertEq(registry.validators().length, 63, "voters");
        vm.expectRevert(IValidatorRegistry.NoPlace.selector);
        propose(0, accountOf(64), "one too many", true);
        vm.prank(accountOf(7));
        registry.resign();
        propose(0, accountOf(64), "the next", true);
    }

    /// With a governor, the validators do not decide among themselves; they only leave and come back.
    function test_AGovernorDecidesInstead() public {
        assertEq(registry.governor(), address(0), "no governor");
        vm.expectRevert(abi.encodeWithSelector(IValidatorRegistry.NotGovernor.selector, accountOf(0)));
        vm.prank(accountOf(0));
        registry.admit(newcomer, "Newcomer Ltd");

        (governor,) = person("governor");
        height = 0;
        delete voting;
        registry = newRegistry(4);
        begin(5);
        assertEq(registry.governor(), governor, "governor");
        bytes memory governed = abi.encodeWithSelector(IValidatorRegistry.Governed.selector, governor);
        vm.expectRevert(governed);
        propose(0, newcomer, "Newcomer Ltd", true);
        vm.expectRevert(governed);
        approve(0, 0);
        vm.startPrank(accountOf(0));
        bytes memory refusal = abi.encodeWithSelector(IValidatorRegistry.NotGovernor.selector, accountOf(0));
        vm.expectRevert(refusal);
        registry.admit(newcomer, "Newcomer Ltd");
        vm.expectRevert(refusal);
        registry.dismiss(accountOf(1));
        vm.stopPrank();

        vm.startPrank(governor);
        vm.expectRevert(IValidators.InvalidName.selector);
        registry.admit(newcomer, "");
        registry.admit(newcomer, "Newcomer Ltd");
        vm.expectRevert(wrong(newcomer, IValidators.Standing.Active));
        registry.admit(newcomer, "again");
        registry.dismiss(accountOf(3));
        vm.expectRevert(wrong(accountOf(3), IValidators.Standing.VotedOut));
        registry.dismiss(accountOf(3));
        vm.stopPrank();
        assertStanding(newcomer, IValidators.Standing.Active);
        assertStanding(accountOf(3), IValidators.Standing.VotedOut);
        begin();
        assertTrue(votes(newcomer) && !votes(accountOf(3)), "who votes");
        vm.prank(accountOf(2));
        registry.resign();
        vm.startPrank(governor);
        registry.dismiss(accountOf(1));
        registry.dismiss(accountOf(0));
        vm.expectRevert(IValidatorRegistry.LastValidator.selector);
        registry.dismiss(newcomer);
        vm.stopPrank();
    }

    function test_RulesThatMakeNoSense() public {
        refuse(4, 4, 2, 1, 50, abi.encodeWithSelector(IValidators.InvalidRule.selector, "window"));
        refuse(4, 4, 129, 1, 50, abi.encodeWithSelector(IValidators.InvalidRule.selector, "window"));
        refuse(4, 4, 20, 0, 50, abi.encodeWithSelector(IValidators.InvalidRule.selector, "missedMax"));
        refuse(4, 4, 20, 20, 50, abi.encodeWithSelector(IValidators.InvalidRule.selector, "missedMax"));
        refuse(4, 4, 20, 10, 0, abi.encodeWithSelector(IValidators.InvalidRule.selector, "motionBlocks"));
        refuse(4, 3, 20, 10, 50, abi.encodeWithSelector(IValidators.InvalidValidators.selector));
        refuse(0, 0, 20, 10, 50, abi.encodeWithSelector(IValidators.InvalidValidators.selector));
        refuse(65, 65, 20, 10, 50, abi.encodeWithSelector(IValidators.InvalidValidators.selector));
        address[] memory twice = list(newcomer, newcomer);
        string[] memory names = new string[](2);
        (names[0], names[1]) = ("one", "other");
        vm.expectRevert(IValidators.InvalidValidators.selector);
        this.deployWith(twice, names, 20, 10, 50);
        vm.expectRevert(IValidators.InvalidValidators.selector);
        this.deployWith(list(newcomer, address(0)), names, 20, 10, 50);
        names[1] = "";
        vm.expectRevert(IValidators.InvalidName.selector);
        this.deployWith(list(newcomer, accountOf(5)), names, 20, 10, 50);
    }

    function deployWith(address[] memory accounts, string[] memory names, uint8 window, uint8 missedMax, uint64 blocks)
        external
    {
        deploy(
            "ValidatorRegistry",
            abi.encode(accounts, names, window, missedMax, absentSeconds, WAIT_BLOCKS, blocks, address(0))
        );
    }

    function refuse(
        uint256 count,
        uint256 nameCount,
        uint8 window,
        uint8 missedMax,
        uint64 motionBlocks,
        bytes memory refusal
    ) private {
        address[] memory accounts = new address[](count);
        string[] memory names = new string[](nameCount);
        for (uint256 i = 0; i < count; ++i) {
            accounts[i] = accountOf(i);
        }
        for (uint256 i = 0; i < nameCount; ++i) {
            names[i] = nameOf(i);
        }
        vm.expectRevert(refusal);
        this.deployWith(accounts, names, window, missedMax, motionBlocks);
    }

    function propose(uint256 by, address account, string memory name, bool add) private returns (uint256) {
        vm.prank(accountOf(by));
        return registry.propose(account, name, add);
    }

    function approve(uint256 by, uint256 id) private {
        vm.prank(accountOf(by));
        registry.approve(id);
    }

    function wrong(address account, IValidators.Standing standing) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IValidatorRegistry.WrongStanding.selector, account, standing);
    }

    function assertSupport(uint256 id, uint256 approving, uint256 voting_) private view {
        (uint256 a, uint256 b) = registry.support(id);
        assertEq(a, approving, "approving");
        assertEq(b, voting_, "voting");
    }
}
