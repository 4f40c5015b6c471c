// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IStaking} from "../src/interfaces/IStaking.sol";
import {IValidators} from "../src/interfaces/IValidators.sol";
import {vm} from "./Base.sol";
import {Consensus} from "./Consensus.sol";

/// @title Four founders with 100 coins each, a reserve of 1,000, and somebody who delegates.
abstract contract StakingTest is Consensus {
    uint112 internal constant BOND = 100 ether;
    uint256 internal constant RESERVE = 1000 ether;

    IStaking internal staking;
    address internal delegator;

    function setUp() public virtual {
        vm.deal(address(this), 1e40);
        staking = newStaking(4, BOND, RESERVE);
        (delegator,) = person("delegator");
        vm.deal(delegator, 1000 ether);
        for (uint256 i = 0; i < 6; ++i) {
            vm.deal(accountOf(i), 1000 ether);
        }
    }

    function enlist(uint256 index, uint256 amount) internal {
        vm.prank(accountOf(index));
        staking.enlist{value: amount}(nameOf(index), 2000);
    }

    function delegate(address by, uint256 index, uint256 amount) internal {
        vm.prank(by);
        staking.delegate{value: amount}(accountOf(index));
    }

    function unbond(address by, uint256 index, uint256 shares) internal {
        vm.prank(by);
        staking.unbond(accountOf(index), shares);
    }

    function withdraw(address by) internal returns (uint256) {
        vm.prank(by);
        return staking.withdraw();
    }

    function claim(address by, uint256 index) internal returns (uint256) {
        vm.prank(by);
        return staking.claim(accountOf(index));
    }

    /// @dev The fees of a block come without any call.
    function payFees(uint256 amount) internal {
        vm.deal(address(staking), address(staking).balance + amount);
    }

    function powerOf(address account) internal view returns (uint256) {
        IValidators.Validator[] memory voters = staking.validators();
        for (uint256 i = 0; i < voters.length; ++i) {
            if (voters[i].account == account) return voters[i].power;
        }
        return 0;
    }

    /// @dev Less than a unit may wait for the next division.
    function assertNear(uint256 left, uint256 right, string memory what) internal pure {
        assertTrue(left <= right && right - left <= 1, what);
    }

    /// @dev The law, as it stands after a block has begun.
    function assertMoney(uint256 bonded, uint256 unbonding, uint256 rewards, uint256 reserve) internal view {
        IStaking.Money memory money = staking.money();
        assertEq(money.bonded, bonded, "bonded");
        assertEq(money.unbonding, unbonding, "unbonding");
        assertEq(money.rewards, rewards, "rewards");
        assertEq(money.reserve, reserve, "reserve");
        assertEq(address(staking).balance, bonded + unbonding + rewards + reserve, "the contract's balance");
    }
}

contract StakingRewardsTest is StakingTest {
    function test_GenesisHoldsBondsAndReserve() public view {
        assertMoney(4 * BOND, 0, 0, RESERVE);
        assertEq(keccak256(abi.encode(staking.rules())), keccak256(abi.encode(rules())), "rules");
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(powerOf(accountOf(i)), 100, "power");
            IStaking.Pool memory pool = staking.pool(accountOf(i));
            assertEq(pool.stake, BOND, "stake");
            assertEq(pool.shares, BOND, "shares");
            assertEq(pool.commissionBps, 1000, "commission");
        }
    }

    /// The reward and the fees of a block: a tenth to its proposer, the rest to those who signed it.
    /// The governor takes the vote, not the stake; that leaves as any other, or stays to come back with.
    function test_AGovernorExpelsAndPardons() public {
        address validator = accountOf(3);
        assertEq(staking.governor(), address(0), "no governor");
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotGovernor.selector, address(this)));
        staking.expel(validator);

        (governor,) = person("governor");
        height = 0;
        delete voting;
        staking = newStaking(4, BOND, RESERVE);
        begin(5);
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotGovernor.selector, validator));
        vm.prank(validator);
        staking.pardon(validator);
        vm.startPrank(governor);
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotExpelled.selector, validator));
        staking.pardon(validator);
        vm.expectRevert(abi.encodeWithSelector(IValidators.NotValidator.selector, address(this)));
        staking.expel(address(this));
        vm.expectEmit(address(staking));
        emit IValidators.ValidatorRemoved(validator, IValidators.Standing.VotedOut, uint64(height) + 1);
        staking.expel(validator);
        vm.expectRevert(abi.encodeWithSelector(IStaking.Expelled.selector, validator));
        staking.expel(validator);
        vm.stopPrank();
        begin();
        assertTrue(!votes(validator), "its vote");
        assertEq(staking.pool(validator).stake, BOND, "its stake");
        bytes memory refusal = abi.encodeWithSelector(IStaking.Expelled.selector, validator);
        vm.expectRevert(refusal);
        staking.delegate{value: 1 ether}(validator);
        vm.deal(validator, 1 ether);
        vm.expectRevert(refusal);
        vm.prank(validator);
        staking.bond{value: 1 ether}();

        vm.prank(validator);
        staking.unbond(validator, 1 ether);
        begin(UNBONDING_BLOCKS + 2);
        vm.prank(validator);
        assertEq(staking.withdraw(), 1 ether, "what left");
        vm.prank(governor);
        staking.pardon(validator);
        assertStanding(validator, IValidators.Standing.Unbonded);
        vm.prank(validator);
        staking.bond{value: 1 ether}();
        begin(2);
        assertTrue(votes(validator), "its vote again");

        // Who is expelled answers for what it signed.
        vm.prank(governor);
        staking.expel(validator);
        convict(nameOf(3), uint64(height));
        assertStanding(validator, IValidators.Standing.Equivocated);
        assertTrue(staking.pool(validator).isSlashed, "slashed");
        vm.expectRevert(abi.encodeWithSelector(IStaking.Tombstoned.selector, validator));
        vm.prank(governor);
        staking.expel(validator);
    }

    function test_ABlockPaysProposerAndSigners() public {
        begin(accountOf(1), new address[](0));
        assertMoney(4 * BOND, 0, 0, RESERVE);
        payFees(1 ether + 7);
        beginWithout(accountOf(3));

        uint256 pot = 2 ether + 7;
        uint256 bonus = pot / 10;
        uint256 part = (pot - bonus) / 4;
        assertNear(staking.claimable(accountOf(0), accountOf(0)), part, "a signer");
        assertNear(staking.claimable(accountOf(1), accountOf(1)), part + bonus, "the proposer, who signed");
        assertNear(staking.claimable(accountOf(2), accountOf(2)), part, "a signer");
        assertEq(staking.claimable(accountOf(3), accountOf(3)), 0, "the absent one");
        uint256 spent = 3 * part + bonus;
        assertMoney(4 * BOND, 0, spent, RESERVE - 1 ether + pot - spent);
    }

    function test_AProposerWhoDidNotSignHasTheBonus() public {
        begin(accountOf(1), new address[](0));
        beginWithout(accountOf(1));
        assertNear(staking.claimable(accountOf(1), accountOf(1)), 0.1 ether, "the bonus");
    }

    /// Strangers propose at times, on the way from one engine to another.
    function test_AStrangersBonusStaysInTheReserve() public {
        begin(delegator, new address[](0));
        begin();
        assertMoney(4 * BOND, 0, 0.9 ether, RESERVE - 0.9 ether);
    }

    function test_WithoutACertificateFeesGoToTheReserve() public {
        begin(2);
        payFees(5 ether);
        uint256 rewards = staking.money().rewards;
        begin(accountOf(0), new address[](0));
        assertMoney(4 * BOND, 0, rewards, RESERVE - rewards + 5 ether);
    }

    function test_WhatIsSentIsIncomeAndWhatIsFundedIsReserve() public {
        begin(2);
        uint256 rewards = staking.money().rewards;
        vm.startPrank(delegator);
        staking.fund{value: 3 ether}();
        (bool success,) = address(staking).call{value: 2 ether}("");
        vm.stopPrank();
        assertTrue(success, "sent");
        IStaking.Money memory money = staking.money();
        assertEq(money.reserve, RESERVE - rewards + 3 ether, "reserve");
        assertEq(money.rewards, rewards, "rewards");
        begin();
        assertEq(staking.money().rewards, rewards + 3 ether, "the reward and what was sent");
        vm.expectRevert(IStaking.NoAmount.selector);
        staking.fund();
    }

    function test_AnEmptyReservePaysFeesOnly() public {
        staking = newStaking(4, BOND, 1.5 ether);
        height = 0;
        delete voting;
        begin(3);
        assertEq(staking.money().reserve, 0, "reserve");
        assertEq(staking.money().rewards, 1.5 ether, "rewards");
        payFees(8);
        begin();
        // A proposer's tenth is nothing; four times two.
        assertMoney(4 * BOND, 0, 1.5 ether + 8, 0);
    }

    function test_DelegatorsShareAfterCommission() public {
        delegate(delegator, 2, 300 ether);
        begin(accountOf(0), new address[](0));
        begin(accountOf(0), voting);
        // From here on the stake counts: 400 of 700 votes.
        begin(accountOf(0), voting);
        uint256 before = staking.claimable(accountOf(2), delegator);
        uint256 beforeOwn = staking.claimable(accountOf(2), accountOf(2));
        begin(accountOf(0), voting);
        uint256 part = uint256(0.9 ether) * 400 / 700;
        uint256 commission = part / 10;
        uint256 shared = part - commission;
        // Either of two readings may lack a unit that is still being divided.
        vm.assertApproxEqAbs(staking.claimable(accountOf(2), delegator) - before, shared * 3 / 4, 1);
        uint256 own = commission + shared / 4;
        vm.assertApproxEqAbs(staking.claimable(accountOf(2), accountOf(2)) - beforeOwn, own, 1);

        uint256 balance = delegator.balance;
        uint256 due = staking.claimable(accountOf(2), delegator);
        assertEq(claim(delegator, 2), due, "paid");
        assertEq(delegator.balance, balance + due, "balance");
        assertEq(staking.claimable(accountOf(2), delegator), 0, "nothing is left");
        vm.expectRevert(IStaking.NothingDue.selector);
        claim(delegator, 2);
        vm.expectRevert(IStaking.NothingDue.selector);
        claim(delegator, 1);
    }

    /// Nobody who comes later has a part in what was earned before.
    function test_LateDelegatorsShareNothingOfThePast() public {
        begin(5);
        delegate(delegator, 2, 500 ether);
        assertEq(staking.claimable(accountOf(2), delegator), 0, "nothing yet");
        uint256 own = staking.claimable(accountOf(2), accountOf(2));
        unbond(delegator, 2, 500 ether);
        assertEq(staking.claimable(accountOf(2), delegator), 0, "nothing at all");
        assertEq(staking.claimable(accountOf(2), accountOf(2)), own, "the validator's");
    }

    function test_CommissionChangesAfterItsNotice() public {
        delegate(delegator, 2, BOND);
        begin(5);
        vm.expectEmit(address(staking));
        emit IStaking.CommissionAnnounced(accountOf(2), 5000, uint64(height) + 25);
        vm.prank(accountOf(2));
        staking.announceCommission(5000);
        uint256 from = height + 25;
        assertEq(staking.pool(accountOf(2)).commissionBps, 1000, "now");
        assertEq(staking.pool(accountOf(2)).nextCommissionBps, 5000, "next");
        assertEq(staking.pool(accountOf(2)).nextCommissionFrom, from, "from");
        begin(delegator, voting);
        while (height < from + 2) {
            // Others are sent away on the way, so the part of the one that is watched changes too.
            uint256 total = 0;
            IValidators.Validator[] memory voters = staking.validators();
            for (uint256 i = 0; i < voters.length; ++i) {
                total += voters[i].power;
            }
            uint256 commission = staking.pool(accountOf(2)).commission;
            begin(delegator, list(accountOf(2)));
            uint256 earned = uint256(0.9 ether) * 200 / total;
            uint256 bps = height < from ? 1000 : 5000;
            assertEq(staking.pool(accountOf(2)).commission - commission, earned * bps / 10_000, "commission");
        }
        assertEq(staking.pool(accountOf(2)).commissionBps, 5000, "then");
    }

    /// A second announcement does not make the first one count sooner, nor forget it once it counts.
    function test_CommissionsAreAnnouncedAgain() public {
        begin(2);
        vm.startPrank(accountOf(2));
        staking.announceCommission(5000);
        vm.stopPrank();
        begin(24);
        vm.prank(accountOf(2));
        staking.announceCommission(3000);
        begin(2);
        assertEq(staking.pool(accountOf(2)).commissionBps, 1000, "the first never counted");
        begin(23);
        assertEq(staking.pool(accountOf(2)).commissionBps, 3000, "the second does");
        vm.prank(accountOf(2));
        staking.announceCommission(2000);
        assertEq(staking.pool(accountOf(2)).commissionBps, 3000, "until the third");

        vm.expectRevert(abi.encodeWithSelector(IStaking.InvalidCommission.selector, 10_001));
        vm.prank(accountOf(2));
        staking.announceCommission(10_001);
        vm.expectRevert(abi.encodeWithSelector(IValidators.NotValidator.selector, delegator));
        vm.prank(delegator);
        staking.announceCommission(1);
    }

    /// The block in which the last share left was earned by nobody's shares: it is the validator's.
    function test_WhatNobodysSharesEarnedIsTheValidators() public {
        begin(4);
        begin(accountOf(0), voting);
        unbond(accountOf(2), 2, BOND);
        uint256 due = claim(accountOf(2), 2);
        assertGe(due, 1, "paid");
        begin();
        assertEq(staking.claimable(accountOf(2), accountOf(2)), 0.225 ether, "the last block");
        assertEq(claim(accountOf(2), 2), 0.225 ether, "paid");
        begin();
        assertEq(staking.claimable(accountOf(2), accountOf(2)), 0, "no more");
    }

    /// Seats that stay for want of others earn nothing.
    function test_KeptSeatsEarnNothing() public {
        begin(5);
        for (uint256 i = 0; i < 4; ++i) {
            unbond(accountOf(i), i, BOND);
        }
        begin();
        assertEq(staking.validators().length, 4, "voters");
        uint256 rewards = staking.money().rewards;
        begin(3);
        assertEq(staking.money().rewards, rewards, "rewards");
        enlist(4, 50 ether);
        begin();
        assertEq(staking.validators().length, 1, "voters");
    }
}

contract StakingBondsTest is StakingTest {
    function test_StakeIsPower() public {
        begin();
        delegate(delegator, 1, 7.5 ether);
        enlist(4, 20 ether);
        assertEq(powerOf(accountOf(1)), 100, "not yet");
        begin();
        assertEq(powerOf(accountOf(1)), 107, "whole units count");
        assertEq(powerOf(accountOf(4)), 20, "the newcomer");
        assertMoney(427.5 ether, 0, 0.9 ether + 0.1 ether, RESERVE - 1 ether);
    }

    function test_CandidatesHaveAMinimumOfTheirOwn() public {
        begin();
        enlist(4, 9 ether);
        assertStanding(accountOf(4), IValidators.Standing.Unbonded);
        delegate(delegator, 4, 500 ether);
        assertStanding(accountOf(4), IValidators.Standing.Unbonded);
        vm.expectEmit(address(staking));
        emit IValidators.ValidatorJoined(accountOf(4), uint64(height) + 2);
        vm.prank(accountOf(4));
        staking.bond{value: 1 ether}();
        assertStanding(accountOf(4), IValidators.Standing.Active);
        begin();
        assertEq(powerOf(accountOf(4)), 510, "power");

        vm.expectEmit(address(staking));
        emit IValidators.ValidatorRemoved(accountOf(4), IValidators.Standing.Unbonded, uint64(height) + 1);
        unbond(accountOf(4), 4, 1);
        begin();
        assertEq(powerOf(accountOf(4)), 0, "gone, delegations or not");
        vm.prank(accountOf(4));
        staking.bond{value: 1}();
        begin();
        assertEq(powerOf(accountOf(4)), 510, "back");
    }

    function test_RefusedBonds() public {
        begin();
        vm.expectRevert(IStaking.NoAmount.selector);
        delegate(delegator, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IValidators.NotValidator.selector, accountOf(5)));
        delegate(delegator, 5, 1);
        vm.expectRevert(abi.encodeWithSelector(IStaking.AlreadyEnlisted.selector, accountOf(0)));
        enlist(0, 1);
        vm.expectRevert(IValidators.InvalidName.selector);
        vm.prank(delegator);
        staking.enlist("", 0);
        vm.expectRevert(abi.encodeWithSelector(IStaking.InvalidCommission.selector, 10_001));
        vm.prank(delegator);
        staking.enlist("name", 10_001);
        vm.expectRevert(IStaking.NoAmount.selector);
        unbond(delegator, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotEnoughShares.selector, 1, 0));
        unbond(delegator, 1, 1);
        vm.expectRevert(IStaking.NothingDue.selector);
        withdraw(delegator);
        convict(nameOf(1), 1);
        vm.expectRevert(abi.encodeWithSelector(IStaking.Tombstoned.selector, accountOf(1)));
        delegate(delegator, 1, 1);
    }

    function test_UnbondingTakesItsTime() public {
        begin();
        delegate(delegator, 1, 30 ether);
        begin(3);
        unbond(delegator, 1, 10 ether);
        uint256 due = height + UNBONDING_BLOCKS + 2;
        begin();
        unbond(delegator, 1, 5 ether);
        IStaking.Unbonding[] memory leaving = staking.unbondings(delegator);
        assertEq(leaving.length, 2, "on their way");
        assertEq(leaving[0].dueIn, due, "due in");
        assertEq(leaving[0].begunIn, height - 1, "begun in");
        assertEq(leaving[0].amount, 10 ether, "amount");
        assertEq(leaving[0].validator, accountOf(1), "validator");
        (uint256 shares, uint256 worth) = staking.delegation(accountOf(1), delegator);
        assertEq(shares, 15 ether, "shares");
        assertEq(worth, 15 ether, "worth");

        begin(due - height - 1);
        vm.expectRevert(IStaking.NothingDue.selector);
        withdraw(delegator);
        begin();
        uint256 balance = delegator.balance;
        assertEq(withdraw(delegator), 10 ether, "the first");
        assertEq(delegator.balance, balance + 10 ether, "balance");
        vm.expectRevert(IStaking.NothingDue.selector);
        withdraw(delegator);
        begin();
        assertEq(withdraw(delegator), 5 ether, "the second");
        assertEq(staking.unbondings(delegator).length, 0, "none is left");
        assertEq(staking.money().unbonding, 0, "unbonding");
        assertEq(staking.money().bonded, 415 ether, "bonded");
    }

    function test_ThirtyTwoUnbondingsAtATime() public {
        begin();
        delegate(delegator, 1, 100 ether);
        for (uint256 i = 0; i < 32; ++i) {
            unbond(delegator, 1, 1 ether);
        }
        vm.expectRevert(IStaking.TooManyUnbondings.selector);
        unbond(delegator, 1, 1 ether);
        begin(UNBONDING_BLOCKS + 2);
        assertEq(withdraw(delegator), 32 ether, "all at once");
        unbond(delegator, 1, 1 ether);
    }

    function test_TheStrongest64Vote() public {
        IStaking many = newStaking(64, 100 ether, 0);
        staking = many;
        height = 0;
        delete voting;
        begin();
        // One unit more is enough to push out one of the others: the one with the highest address.
        for (uint256 i = 64; i < 70; ++i) {
            vm.deal(accountOf(i), 1000 ether);
            enlist(i, 101 ether);
        }
        begin();
        assertEq(many.validators().length, 64, "voters");
        assertEq(many.members().length, 70, "members");
        address highest = address(0);
        for (uint256 i = 0; i < 70; ++i) {
            if (i >= 64) assertEq(powerOf(accountOf(i)), 101, "the stronger vote");
            else if (powerOf(accountOf(i)) != 0 && accountOf(i) > highest) highest = accountOf(i);
        }
        for (uint256 i = 0; i < 64; ++i) {
            assertTrue((powerOf(accountOf(i)) != 0) == (accountOf(i) <= highest), "among equals the lower addresses");
        }
    }

    function test_TheWeakestOf128MakesPlace() public {
        newStaking(64, 100 ether, 0);
        staking = IStaking(address(set));
        height = 0;
        delete voting;
        begin();
        for (uint256 i = 64; i < 128; ++i) {
            vm.deal(accountOf(i), 1000 ether);
            enlist(i, i == 90 ? 20 ether : 30 ether);
        }
        vm.deal(accountOf(128), 1000 ether);
        enlist(128, 20 ether);
        assertStanding(accountOf(128), IValidators.Standing.Unbonded);
        vm.expectEmit(address(staking));
        emit IValidators.ValidatorRemoved(accountOf(90), IValidators.Standing.Outbid, uint64(height) + 1);
        delegate(accountOf(1), 128, 1 ether);
        assertStanding(accountOf(128), IValidators.Standing.Active);
        assertStanding(accountOf(90), IValidators.Standing.Outbid);
        assertEq(staking.members().length, 128, "members");
        // The one that was outbid bids again.
        delegate(accountOf(1), 90, 2 ether);
        assertStanding(accountOf(90), IValidators.Standing.Active);
        assertStanding(accountOf(128), IValidators.Standing.Outbid);

        // The most that a block can have to do: 128 candidates to choose from, all windows and rewards.
        address[] memory voters = accountsOf(set.validators());
        begin(voters[0], voters);
        for (uint256 i = 64; i < 128; ++i) {
            delegate(accountOf(i), i, 1 ether * (200 + i));
        }
        uint256 gas = gasleft();
        begin(voters[0], list(voters[63]));
        assertGe(30_000_000, gas - gasleft(), "gas");
        assertEq(set.validators().length, 64, "voters");
        for (uint256 i = 64; i < 128; ++i) {
            assertTrue(votes(accountOf(i)), "all others are pushed out");
        }
    }

    function test_PowerNeverOverflows() public {
        IStaking.Rules memory given = rules();
        given.powerUnit = 1;
        given.selfBondMin = 1;
        IStaking.Founder[] memory founders = new IStaking.Founder[](64);
        for (uint256 i = 0; i < 64; ++i) {
            founders[i] = IStaking.Founder({account: accountOf(i), name: nameOf(i), bond: 1e31, commissionBps: 0});
        }
        found(deploy("Staking", abi.encode(founders, given, address(0)), 64e31));
        IValidators.Validator[] memory voters = set.validators();
        uint256 total = 0;
        for (uint256 i = 0; i < 64; ++i) {
            total += voters[i].power;
        }
        assertGe(type(uint64).max, total * 3, "three times the power of all");
        assertGe(total, 1e18, "but not for being nothing");
    }

    /// More than 2^112 - 1 units are not counted: refused where somebody sends them, left where they just come.
    function test_ThereIsAMostMoney() public {
        begin(2);
        uint256 room = type(uint112).max - address(staking).balance;
        vm.deal(delegator, 1e40);
        vm.expectRevert(IStaking.TooMuch.selector);
        delegate(delegator, 1, room + 1);
        delegate(delegator, 1, room);
        vm.expectRevert(IStaking.TooMuch.selector);
        vm.prank(delegator);
        staking.fund{value: 1}();
        payFees(1e38);
        begin(3);
        IStaking.Money memory money = staking.money();
        assertEq(money.bonded + money.unbonding + money.rewards + money.reserve, type(uint112).max, "counted");
    }

    function test_RulesThatMakeNoSense() public {
        IStaking.Rules memory given = rules();
        given.window = 2;
        refuse(given, "window");
        given = rules();
        given.missedMax = WINDOW;
        refuse(given, "missedMax");
        given = rules();
        given.jailBlocks = uint64(1) << 32;
        refuse(given, "waitBlocks");
        given = rules();
        given.unbondingBlocks = 0;
        refuse(given, "unbondingBlocks");
        given.unbondingBlocks = uint64(1) << 32;
        refuse(given, "unbondingBlocks");
        given = rules();
        given.commissionBlocks = uint64(1) << 32;
        refuse(given, "commissionBlocks");
        given = rules();
        given.powerUnit = 0;
        refuse(given, "powerUnit");
        given = rules();
        given.selfBondMin = given.powerUnit - 1;
        refuse(given, "selfBondMin");
        given = rules();
        given.proposerBps = 10_001;
        refuse(given, "proposerBps");
        given = rules();
        given.slashBps = 10_001;
        refuse(given, "slashBps");
    }

    function test_FoundersThatMakeNoSense() public {
        IStaking.Founder[] memory founders = new IStaking.Founder[](1);
        founders[0] = IStaking.Founder({account: accountOf(0), name: "first", bond: 10 ether, commissionBps: 0});
        vm.expectRevert(IValidators.InvalidValidators.selector);
        this.deployWith(founders, rules(), 10 ether - 1);
        founders[0].bond = 10 ether - 1;
        vm.expectRevert(abi.encodeWithSelector(IStaking.SelfBondTooLow.selector, 10 ether - 1, 10 ether));
        this.deployWith(founders, rules(), 10 ether);
        vm.expectRevert(IValidators.InvalidValidators.selector);
        this.deployWith(new IStaking.Founder[](0), rules(), 10 ether);
        vm.expectRevert(IValidators.InvalidValidators.selector);
        this.deployWith(new IStaking.Founder[](65), rules(), 10 ether);
        founders = new IStaking.Founder[](2);
        founders[0] = IStaking.Founder({account: accountOf(0), name: "first", bond: 10 ether, commissionBps: 0});
        founders[1] = founders[0];
        vm.expectRevert(IValidators.InvalidValidators.selector);
        this.deployWith(founders, rules(), 20 ether);
        vm.expectRevert(IStaking.TooMuch.selector);
        this.deployWith(founders, rules(), uint256(type(uint112).max) + 1);
    }

    function deployWith(IStaking.Founder[] memory founders, IStaking.Rules memory given, uint256 paid) external {
        deploy("Staking", abi.encode(founders, given, address(0)), paid);
    }

    function refuse(IStaking.Rules memory given, string memory what) private {
        vm.expectRevert(abi.encodeWithSelector(IValidators.InvalidRule.selector, what));
        this.deployWith(new IStaking.Founder[](0), given, 0);
    }
}

contract StakingSlashTest is StakingTest {
    function test_EquivocationCostsAFixedPart() public {
        delegate(delegator, 2, 60 ether + 19);
        begin(4);
        uint256 slashed = (BOND + 60 ether + 19) * 500 / 10_000;
        IStaking.Money memory before = staking.money();
        vm.expectEmit(address(staking));
        emit IStaking.Slashed(accountOf(2), slashed);
        convict(nameOf(2), uint64(height));
        assertMoney(before.bonded - slashed, 0, before.rewards, before.reserve + slashed);
        assertTrue(staking.pool(accountOf(2)).isSlashed, "slashed");
        assertEq(staking.pool(accountOf(2)).slashedFrom, height, "from");

        // Delegators leave with their part; the last one takes the rest to the last unit.
        unbond(delegator, 2, 60 ether + 19);
        uint256 part = (BOND + 60 ether + 19 - slashed) * (60 ether + 19) / (BOND + 60 ether + 19);
        assertEq(staking.unbondings(delegator)[0].amount, part, "part");
        unbond(accountOf(2), 2, BOND);
        assertEq(staking.unbondings(accountOf(2))[0].amount, BOND + 60 ether + 19 - slashed - part, "the rest");
        assertEq(staking.money().bonded, 3 * BOND, "bonded");
        begin(UNBONDING_BLOCKS + 2);
        assertEq(withdraw(delegator), part, "no second slash");
    }

    function test_ItCostsOnce() public {
        begin(5);
        convict(nameOf(2), 4);
        IStaking.Money memory before = staking.money();
        convict(nameOf(2), 5);
        convict(nameOf(2), 3);
        assertMoney(before.bonded, before.unbonding, before.rewards, before.reserve);
        assertEq(staking.pool(accountOf(2)).slashedFrom, 3, "from");
        assertEq(staking.evidenceCount(), 3, "evidence");
    }

    /// Stake that still counted at the height of the equivocation pays, and no other.
    function test_WhatLeavesPaysIfItCounted() public {
        delegate(delegator, 2, 50 ether);
        begin(20);
        uint64 offence = 12;
        // Begun in block 10: has left the votes of 12. Begun in 11: counted at 12. What begins later pays as well.
        uint256[4] memory begun = [uint256(10), 11, 12, 15];
        for (uint256 i = 0; i < 4; ++i) {
            vm.roll(begun[i]);
            unbond(delegator, 2, 10 ether);
        }
        vm.roll(20);
        convict(nameOf(2), offence);
        unbond(delegator, 2, 10 ether);

        IStaking.Unbonding[] memory leaving = staking.unbondings(delegator);
        assertEq(leaving[0].amount, 10 ether, "had left");
        for (uint256 i = 1; i < 4; ++i) {
            assertEq(leaving[i].amount, 9.5 ether, "counted");
        }
        assertEq(leaving[4].amount, 9.5 ether, "slashed before it left");
        uint256 reserve = staking.money().reserve;
        vm.roll(100);
        assertEq(withdraw(delegator), 10 ether + 4 * 9.5 ether, "paid");
        assertEq(staking.money().reserve, reserve + 3 * 0.5 ether, "reserve");
        assertEq(staking.money().unbonding, 0, "unbonding");
    }

    /// A validator equivocates at 12, unbonds in 13, and has itself convicted of something at 16, when nothing of that
    /// counted any more. The proof of 12 takes the stake all the same.
    function test_AccusingOneselfSavesNothing() public {
        begin(13);
        unbond(accountOf(2), 2, BOND);
        begin(4);
        convict(nameOf(2), 16);
        assertEq(staking.unbondings(accountOf(2))[0].amount, BOND, "escaped so far");
        convict(nameOf(2), 12);
        assertEq(staking.unbondings(accountOf(2))[0].amount, uint256(BOND) * 95 / 100, "and does not");
        begin(UNBONDING_BLOCKS);
        assertEq(withdraw(accountOf(2)), uint256(BOND) * 95 / 100, "paid");
    }

    /// As long as evidence is taken, the stake is there; as soon as stake may go, evidence comes too late.
    function testFuzz_NoStakeEscapesEvidence(uint256 begunSeed, uint256 offenceSeed, uint256 nowSeed) public {
        begin(2);
        uint256 begun = bound(begunSeed, 2, 200);
        uint256 offence = bound(offenceSeed, 1, begun + 1);
        uint256 now_ = bound(nowSeed, begun, 300);
        vm.roll(begun);
        unbond(accountOf(2), 2, BOND);
        vm.roll(now_);
        vm.prank(accountOf(2));
        (bool isPaid,) = address(staking).call(abi.encodeCall(IStaking.withdraw, ()));
        (bool isTaken,) = address(this).call(abi.encodeCall(this.convictOf, (nameOf(2), uint64(offence))));
        assertTrue(!(isPaid && isTaken), "paid out and accused");
        assertTrue(isTaken == (now_ <= offence + UNBONDING_BLOCKS), "evidence is taken as long as it is fresh");
        if (!isTaken || isPaid) return;
        uint256 left = staking.unbondings(accountOf(2))[0].amount;
        assertEq(left, 95 ether, "what is left");
    }

    function convictOf(string memory name, uint64 atHeight) external {
        convict(name, atHeight);
    }

    function test_TheJailedKeepTheirStakeAndTheirWayBack() public {
        begin();
        beginWithout(list(accountOf(2)), MISSED_MAX + 1);
        assertStanding(accountOf(2), IValidators.Standing.Absent);
        assertEq(staking.money().bonded, 4 * BOND, "absence costs no stake");
        delegate(delegator, 2, 10 ether);
        assertStanding(accountOf(2), IValidators.Standing.Absent);
        unbond(accountOf(2), 2, BOND - 1 ether);
        begin(WAIT_BLOCKS);
        vm.expectRevert(abi.encodeWithSelector(IStaking.SelfBondTooLow.selector, 1 ether, 10 ether));
        vm.prank(accountOf(2));
        staking.unjail();
        vm.startPrank(accountOf(2));
        staking.bond{value: 9 ether}();
        staking.unjail();
        vm.stopPrank();
        begin();
        assertEq(powerOf(accountOf(2)), 20, "power");
    }

    /// Power that is away and has gone for good makes room: only what could still come back counts as away.
    function test_StakeThatHasLeftIsNotAway() public {
        begin();
        beginWithout(list(accountOf(2)), MISSED_MAX + 1);
        beginWithout(list(accountOf(3)), MISSED_MAX + 1);
        assertTrue(votes(accountOf(3)), "two of four would be half");
        unbond(accountOf(2), 2, BOND);
        delegate(delegator, 0, 200 ether);
        begin();
        beginWithout(accountOf(3));
        assertStanding(accountOf(3), IValidators.Standing.Absent);
    }
}

/// @title A delegator that calls back whenever it is paid.
contract CallingDelegator {
    IStaking private immutable _staking;
    bytes[] private _attempts;
    bool public isRefusing;
    bytes[] public answers;

    constructor(IStaking staking) payable {
        _staking = staking;
    }

    function arm(bytes[] calldata attempts) external {
        delete answers;
        delete _attempts;
        for (uint256 i = 0; i < attempts.length; ++i) {
            _attempts.push(attempts[i]);
        }
    }

    function setRefusing(bool refusing) external {
        isRefusing = refusing;
    }

    function act(bytes calldata data, uint256 value) external {
        (bool success, bytes memory answer) = address(_staking).call{value: value}(data);
        if (success) return;
        assembly ("memory-safe") {
            revert(add(answer, 32), mload(answer))
        }
    }

    function answerCount() external view returns (uint256) {
        return answers.length;
    }

    receive() external payable {
        if (isRefusing) revert("no");
        for (uint256 i = 0; i < _attempts.length; ++i) {
            (bool success, bytes memory answer) = address(_staking).call(_attempts[i]);
            answers.push(success ? bytes("") : answer);
        }
    }
}

contract StakingHostileTest is StakingTest {
    CallingDelegator private caller;

    function setUp() public override {
        super.setUp();
        caller = new CallingDelegator{value: 500 ether}(staking);
        begin();
        caller.act(abi.encodeCall(IStaking.delegate, (accountOf(1))), 100 ether);
        begin(3);
        caller.act(abi.encodeCall(IStaking.unbond, (accountOf(1), 10 ether)), 0);
        begin(UNBONDING_BLOCKS + 2);
    }

    function test_NoCallFromWithinAPayment() public {
        bytes[] memory inner = new bytes[](5);
        inner[0] = abi.encodeCall(IStaking.withdraw, ());
        inner[1] = abi.encodeCall(IStaking.claim, (accountOf(1)));
        inner[2] = abi.encodeCall(IStaking.unbond, (accountOf(1), 1));
        inner[3] = abi.encodeCall(IStaking.delegate, (accountOf(1)));
        inner[4] = abi.encodeCall(IStaking.bond, ());
        caller.arm(inner);
        bytes32 refused = keccak256(abi.encodeWithSignature("ReentrancyGuardReentrantCall()"));
        bytes[2] memory outer = [inner[0], inner[1]];
        for (uint256 i = 0; i < 2; ++i) {
            uint256 count = caller.answerCount();
            uint256 owned = address(caller).balance + address(staking).balance;
            caller.act(outer[i], 0);
            assertEq(caller.answerCount(), count + 5, "was paid and called");
            assertEq(address(caller).balance + address(staking).balance, owned, "no money is made");
            for (uint256 j = count; j < count + 5; ++j) {
                assertEq(keccak256(caller.answers(j)), refused, "the answer to a call from within");
            }
        }
    }

    /// Whoever cannot be paid keeps the claim, and holds up nobody.
    function test_RefusingMoneyChangesNothing() public {
        caller.setRefusing(true);
        uint256 due = staking.claimable(accountOf(1), address(caller));
        bytes32 before = keccak256(abi.encode(staking.money(), staking.unbondings(address(caller))));
        vm.expectRevert();
        caller.act(abi.encodeCall(IStaking.claim, (accountOf(1))), 0);
        vm.expectRevert();
        caller.act(abi.encodeCall(IStaking.withdraw, ()), 0);
        assertEq(staking.claimable(accountOf(1), address(caller)), due, "claimable");
        assertEq(keccak256(abi.encode(staking.money(), staking.unbondings(address(caller)))), before, "books");
        begin(2);
        claim(accountOf(1), 1);
        caller.setRefusing(false);
        caller.act(abi.encodeCall(IStaking.withdraw, ()), 0);
    }
}
