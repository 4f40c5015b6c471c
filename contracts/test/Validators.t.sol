// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IStaking} from "../src/interfaces/IStaking.sol";
import {IValidatorRegistry} from "../src/interfaces/IValidatorRegistry.sol";
import {IValidators} from "../src/interfaces/IValidators.sol";
import {vm} from "./Base.sol";
import {Consensus} from "./Consensus.sol";

/// @title What both kinds of network promise about who votes and who is away.
abstract contract ValidatorsTest is Consensus {
    function create(uint256 count) internal virtual;
    /// @dev By transactions in the block under way.
    function admit(uint256 index) internal virtual;
    function resign(uint256 index) internal virtual;
    function comeBack(uint256 index) internal virtual;

    function setUp() public virtual {
        vm.deal(address(this), 1e30);
        create(4);
    }

    function test_FoundersVoteFromGenesisOn() public view {
        IValidators.Validator[] memory voters = set.validators();
        assertEq(voters.length, 4, "voters");
        for (uint256 i = 0; i < 4; ++i) {
            assertTrue(i == 0 || voters[i - 1].account < voters[i].account, "ascending");
            assertTrue(voters[i].proposes && voters[i].power != 0, "a full member");
            assertStanding(accountOf(i), IValidators.Standing.Active);
            assertTrue(votes(accountOf(i)), "votes");
            assertEq(set.name(accountOf(i)), nameOf(i), "name");
            assertEq(set.accountAt(i), accountOf(i), "known");
        }
        assertEq(set.accountCount(), 4, "known");
        assertEq(set.members().length, 4, "members");
    }

    function test_OnlyTheLedgerBeginsBlocks() public {
        address[] memory nobody = new address[](0);
        address[3] memory others = [address(this), accountOf(0), address(0)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IValidators.NotSystem.selector, others[i]));
            vm.prank(others[i]);
            set.onBlock(domain, address(1), 0, nobody);
        }
    }

    function test_TheFirstDomainIsKept() public {
        assertEq(set.signingDomain(), 0, "no block yet");
        bytes32 first = domain;
        domain = 0;
        begin();
        assertEq(set.signingDomain(), 0, "zero is none");
        domain = first;
        begin();
        domain = "another";
        begin();
        assertEq(set.signingDomain(), first, "the first");
    }

    /// A change in block h counts from h + 2 on: it is not in the state after h, it is in the state after h + 1.
    function test_ChangesCountFromTheBlockAfterTheNext() public {
        begin(3);
        admit(4);
        assertTrue(!votes(accountOf(4)), "does not vote on the next block");
        begin();
        assertTrue(votes(accountOf(4)), "votes on the one after");
        (,, uint64 votesFrom) = set.attendance(accountOf(4));
        assertEq(votesFrom, 5, "height");

        resign(0);
        assertTrue(votes(accountOf(0)), "still votes on the next block");
        begin();
        assertTrue(!votes(accountOf(0)), "no more");
        assertEq(set.validators().length, 4, "voters");
    }

    /// A newcomer cannot have signed the block in which it was admitted, nor the next one.
    function test_NobodyIsAbsentBeforeVoting() public {
        begin(3);
        admit(4);
        begin();
        begin();
        (uint256 missed,,) = set.attendance(accountOf(4));
        assertEq(missed, 0, "could not sign block 4");
        beginWithout(accountOf(4));
        (missed,,) = set.attendance(accountOf(4));
        assertEq(missed, 1, "could sign block 5");
    }

    function test_WhoIsMissingThriceIsPassedOver() public {
        address absent = accountOf(2);
        begin();
        beginWithout(absent);
        beginWithout(absent);
        assertTrue(proposes(absent), "after two");
        vm.expectEmit(address(set));
        emit IValidators.ValidatorAbsent(absent, 3);
        beginWithout(absent);
        assertTrue(votes(absent) && !proposes(absent), "after three");
        beginWithout(absent);
        assertTrue(!proposes(absent), "after four");
        begin();
        assertTrue(proposes(absent), "back at once");
    }

    function test_IfNobodyWouldProposeAllDo() public {
        begin();
        // A certificate of strangers; no honest ledger has it, but the rule must not depend on that.
        for (uint256 i = 0; i < 3; ++i) {
            begin(address(0), list(address(1)));
        }
        for (uint256 i = 0; i < 4; ++i) {
            assertTrue(proposes(accountOf(i)), "proposes");
        }
        begin(address(0), list(accountOf(1)));
        for (uint256 i = 0; i < 4; ++i) {
            assertTrue(proposes(accountOf(i)) == (i == 1), "only who is there");
        }
    }

    function test_WithoutACertificateNothingIsCounted() public {
        begin();
        for (uint256 i = 0; i < 30; ++i) {
            begin(address(0), new address[](0));
        }
        for (uint256 i = 0; i < 4; ++i) {
            (uint256 missed,,) = set.attendance(accountOf(i));
            assertEq(missed, 0, "missed");
            assertTrue(proposes(accountOf(i)), "proposes");
        }
    }

    function test_TooMuchAbsenceRemoves() public {
        address absent = accountOf(1);
        begin();
        beginWithout(list(absent), MISSED_MAX);
        assertTrue(votes(absent), "half of the window is not more than half");
        vm.expectEmit(address(set));
        emit IValidators.ValidatorRemoved(absent, IValidators.Standing.Absent, uint64(height) + 1);
        beginWithout(absent);
        assertTrue(!votes(absent), "more than half is");
        assertStanding(absent, IValidators.Standing.Absent);
        assertEq(set.validators().length, 3, "voters");
        assertEq(set.members().length, 3, "members");

        // Blocks go on with the three, and the one comes back when it has waited.
        uint256 removedIn = height;
        begin(WAIT_BLOCKS - 1);
        vm.expectRevert(abi.encodeWithSelector(IValidators.TooEarly.selector, removedIn + WAIT_BLOCKS));
        comeBack(1);
        begin();
        comeBack(1);
        assertStanding(absent, IValidators.Standing.Active);
        assertTrue(!votes(absent), "not yet");
        begin();
        assertTrue(votes(absent) && proposes(absent), "back");
        (uint256 missed,, uint64 votesFrom) = set.attendance(absent);
        assertEq(missed, 0, "with a clean window");
        assertEq(votesFrom, height + 1, "votes from");
    }

    /// Under load more than the whole window passes in a second or two: a short pause costs no seat.
    function test_AShortPauseCostsNoSeat() public {
        absentSeconds = 30;
        refound(4);
        address absent = accountOf(1);
        begin();
        blockSeconds = 0;
        for (uint256 second = 0; second < 30; ++second) {
            beginWithout(list(absent), 2 * MISSED_MAX);
            if (second != 29) ++time;
        }
        (uint256 missed, uint256 absentFor,) = set.attendance(absent);
        assertEq(missed, WINDOW, "missed all");
        assertEq(absentFor, 29, "for so long");
        assertTrue(votes(absent), "after a thousand blocks in 29 seconds");

        // Back below the share it begins anew.
        begin(MISSED_MAX);
        (missed, absentFor,) = set.attendance(absent);
        assertEq(missed, MISSED_MAX, "missed");
        assertEq(absentFor, 0, "not too many, so for no time");
        beginWithout(list(absent), MISSED_MAX + 1);
        ++time;
        beginWithout(absent);
        (, absentFor,) = set.attendance(absent);
        assertEq(absentFor, 1, "from the block on that was one too many");
        assertTrue(votes(absent), "still");
    }

    function test_ALongAbsenceCostsTheSeat() public {
        absentSeconds = 30;
        refound(4);
        address absent = accountOf(1);
        begin();
        beginWithout(list(absent), MISSED_MAX + 1 + 29);
        assertTrue(votes(absent), "29 seconds");
        beginWithout(absent);
        assertTrue(!votes(absent), "30 seconds");
        assertStanding(absent, IValidators.Standing.Absent);
    }

    /// Time without blocks counts for little: while the chain stood, nobody could be there.
    function test_AStandstillIsNobodysAbsence() public {
        absentSeconds = 30;
        refound(4);
        address absent = accountOf(1);
        begin();
        beginWithout(list(absent), MISSED_MAX + 1);
        time += 1 days;
        beginWithout(absent);
        (, uint256 absentFor,) = set.attendance(absent);
        assertEq(absentFor, 3, "a tenth at most");
        begin(MISSED_MAX + 1);
        assertStanding(absent, IValidators.Standing.Active);

        // A network with a block a day has the same rule, in ten steps.
        blockSeconds = 1 days;
        beginWithout(list(absent), MISSED_MAX + 1 + 8);
        assertTrue(votes(absent), "nine steps");
        beginWithout(list(absent), 2);
        assertTrue(!votes(absent), "ten steps");
    }

    /// Who comes only now and then is absent all the same; only what it misses counts.
    function test_NowAndThenIsNotThere() public {
        absentSeconds = 10;
        refound(4);
        address absent = accountOf(1);
        begin();
        for (uint256 i = 0; i < 25 && votes(absent); ++i) {
            beginWithout(list(absent), 2);
            begin();
        }
        assertStanding(absent, IValidators.Standing.Absent);
    }

    /// A clock that stands or goes back, which no honest ledger has, counts for nothing.
    function test_TimeThatGoesBackCountsForNothing() public {
        absentSeconds = 30;
        refound(4);
        address absent = accountOf(1);
        begin();
        beginWithout(list(absent), MISSED_MAX + 1);
        time -= 1000;
        beginWithout(absent);
        (, uint256 absentFor,) = set.attendance(absent);
        assertEq(absentFor, 0, "no time");
        assertTrue(votes(absent), "votes");
    }

    function test_OldAbsencesAreForgotten() public {
        address absent = accountOf(1);
        begin();
        // Nine of each twenty, for ever.
        for (uint256 i = 0; i < 5; ++i) {
            beginWithout(list(absent), 9);
            begin(11);
        }
        assertStanding(absent, IValidators.Standing.Active);
        (uint256 missed,,) = set.attendance(absent);
        assertEq(missed, 9, "missed");
    }

    function test_OnlyTheAbsentComeBack() public {
        begin(2);
        vm.expectRevert(abi.encodeWithSelector(IValidators.NotAbsent.selector, accountOf(0)));
        comeBack(0);
        vm.expectRevert(abi.encodeWithSelector(IValidators.NotAbsent.selector, accountOf(9)));
        comeBack(9);
    }

    /// A third of the power never leaves for absence.
    function test_AThirdIsNeverSentAway() public {
        begin();
        beginWithout(list(accountOf(0), accountOf(1)), 20);
        assertEq(set.validators().length, 3, "one of four may be away, two not");

        refound(7);
        begin();
        beginWithout(list(accountOf(0), accountOf(1), accountOf(2)), 30);
        assertEq(set.validators().length, 5, "two of seven may be away, three not");
        assertEq(set.members().length, 5, "members");

        // As soon as one of the two is in again, the third has to go.
        for (uint256 i = 0; i < 3; ++i) {
            if (!votes(accountOf(i))) {
                begin(WAIT_BLOCKS);
                comeBack(i);
                break;
            }
        }
        begin(3);
        assertEq(set.validators().length, 6, "voters");
    }

    /// Whatever the system call says, it succeeds, and somebody votes and proposes.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_BlocksAlwaysBegin(uint256 seed) public {
        uint256 count = 1 + seed % 9;
        refound(count);
        for (uint256 i = 0; i < 30; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            domain = bytes32(draw);
            begin(address(uint160(draw >> 7)), drawSigners(draw, count));
            assertSound();
        }
    }

    /// The windows are what a plain list of all certificates says.
    /// forge-config: default.fuzz.runs = 24
    function testFuzz_AbsencesAreCounted(uint256 seed) public {
        uint256 count = 4 + seed % 6;
        refound(count);
        begin();
        address[][] memory certificates = new address[][](40);
        uint256 certified = 0;
        for (uint256 i = 0; i < 40; ++i) {
            address[] memory signers = drawSigners(uint256(keccak256(abi.encode(seed, i))), count);
            sort(signers);
            begin(address(0), signers);
            if (signers.length != 0) certificates[certified++] = signers;
            for (uint256 j = 0; j < count; ++j) {
                if (!votes(accountOf(j))) continue;
                (uint256 missed,,) = set.attendance(accountOf(j));
                uint256 expected = 0;
                for (uint256 k = certified < WINDOW ? 0 : certified - WINDOW; k < certified; ++k) {
                    if (!contains(certificates[k], accountOf(j))) ++expected;
                }
                assertEq(missed, expected, "missed");
            }
        }
        assertSound();
    }

    function refound(uint256 count) private {
        create(count);
        height = 0;
        delete voting;
    }

    /// @dev Some validators and some strangers, in no order, some twice.
    function drawSigners(uint256 seed, uint256 count) private view returns (address[] memory signers) {
        signers = new address[](seed % 12);
        for (uint256 j = 0; j < signers.length; ++j) {
            uint256 draw = uint256(keccak256(abi.encode(seed, j)));
            signers[j] = draw % 3 == 0 ? address(uint160(draw)) : accountOf((draw >> 8) % count);
        }
    }

    function assertSound() private view {
        IValidators.Validator[] memory voters = set.validators();
        assertGe(voters.length, 1, "somebody votes");
        bool isAnybodyThere = false;
        for (uint256 i = 0; i < voters.length; ++i) {
            assertTrue(i == 0 || voters[i - 1].account < voters[i].account, "ascending");
            isAnybodyThere = isAnybodyThere || voters[i].proposes;
        }
        assertTrue(isAnybodyThere, "somebody proposes");
    }

    function sort(address[] memory accounts) private pure {
        for (uint256 i = 0; i < accounts.length; ++i) {
            for (uint256 j = i + 1; j < accounts.length; ++j) {
                if (accounts[j] < accounts[i]) (accounts[i], accounts[j]) = (accounts[j], accounts[i]);
            }
        }
    }

    /// 64 validators, and a call as bad as it can be: all seats change, all windows move, thousands of signers.
    function test_TheLargestSetFitsABlock() public {
        uint256 gas = gasleft();
        refound(64);
        assertGe(30_000_000, gas - gasleft(), "their genesis");
        begin();
        address[] memory voters = accountsOf(set.validators());
        begin(voters[0], voters);
        gas = gasleft();
        begin(voters[0], voters);
        assertGe(2_000_000, gas - gasleft(), "an ordinary block");

        address[] memory strangers = new address[](4096);
        for (uint256 i = 0; i < strangers.length; ++i) {
            strangers[i] = address(uint160(type(uint160).max / 4096 * i));
        }
        gas = gasleft();
        begin(voters[1], strangers);
        assertGe(30_000_000, gas - gasleft(), "the worst block");
        assertEq(set.validators().length, 64, "voters");
    }
}

contract RegistryValidatorsTest is ValidatorsTest {
    function create(uint256 count) internal override {
        newRegistry(count);
    }

    function admit(uint256 index) internal override {
        voteIn(accountOf(index), nameOf(index));
    }

    function resign(uint256 index) internal override {
        vm.prank(accountOf(index));
        IValidatorRegistry(address(set)).resign();
    }

    function comeBack(uint256 index) internal override {
        IValidatorRegistry registry = IValidatorRegistry(address(set));
        vm.prank(accountOf(index));
        registry.rejoin();
    }
}

contract StakingValidatorsTest is ValidatorsTest {
    function create(uint256 count) internal override {
        newStaking(count, 100 ether, 1000 ether);
    }

    function admit(uint256 index) internal override {
        vm.deal(accountOf(index), 100 ether);
        vm.prank(accountOf(index));
        IStaking(address(set)).enlist{value: 100 ether}(nameOf(index), 0);
    }

    function resign(uint256 index) internal override {
        vm.prank(accountOf(index));
        IStaking(address(set)).unbond(accountOf(index), 100 ether);
    }

    function comeBack(uint256 index) internal override {
        IStaking staking = IStaking(address(set));
        vm.prank(accountOf(index));
        staking.unjail();
    }
}
