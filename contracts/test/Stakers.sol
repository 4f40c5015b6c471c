// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IStaking} from "../src/interfaces/IStaking.sol";
import {IValidators} from "../src/interfaces/IValidators.sol";
import {vm} from "./Base.sol";
import {Consensus} from "./Consensus.sol";

/// @title People who stake at random, and a second bookkeeping that says what each of them must own.
/// @dev The first five of them validate or may; anybody delegates to anybody. Amounts are small and odd, so that every
/// division leaves something over. Of the second bookkeeping nothing is read from the contract: it divides each
/// block's pay among all delegators at once, keeps absences as lists, and chooses seats anew in each block. Every
/// call's success is foretold.
contract Stakers is Consensus {
    uint256 public constant VALIDATORS = 5;
    uint256 public constant PEOPLE = 7;
    uint256 private constant FOUNDERS = 3;
    uint256 private constant CASH = 100_000;
    uint256 private constant RESERVE = 2003;
    uint112 private constant FOUNDERS_BOND = 211;

    /// @dev What the bookkeeping knows of a validator and its delegators.
    struct Account {
        IValidators.Standing standing;
        uint256 since;
        uint256 away;
        uint256 stake;
        uint256 shares;
        uint256[7] sharesOf;
        uint256[7] earnedOf; // in 2^-96 units
        uint256 leftOver; // the same
        uint256 commission;
        uint256 commissionBps;
        uint256 nextBps;
        uint256 nextFrom;
        bool isSlashed;
        uint256 slashedFrom;
        bool isSeated;
        bool isKept;
        uint256 power;
        uint256 votesFrom;
        bool[] missed; // since it has the seat, a certificate each
        uint256[] times; // of the blocks with these certificates
    }

    struct Leaving {
        uint256 validator;
        uint256 begunIn;
        uint256 amount;
        bool isLate; // the validator was slashed already
    }

    IStaking public immutable staking;
    Account[5] private _accounts;
    Leaving[][7] private _leaving;
    uint256[7] private _due; // so many of them are paid out
    uint256[7] private _cash;
    uint256 private _bonded;
    uint256 private _unbonding;
    uint256 private _rewards;
    uint256 private _reserve;
    uint256 private _income; // not counted yet
    uint256 private _proposer = PEOPLE;
    mapping(uint256 offence => bool) private _proven;

    /// @notice How often each call went well, and how often it was refused, in the order of the functions below.
    uint256[10] public successes;
    uint256[10] public refusals;
    /// @notice How often something rare happened.
    uint256 public slashes;
    uint256 public lateSlashes;
    uint256 public removals;
    uint256 public spared;
    uint256 public keptBlocks;

    constructor() payable {
        IStaking.Founder[] memory founders = new IStaking.Founder[](FOUNDERS);
        for (uint256 i = 0; i < PEOPLE; ++i) {
            vm.deal(who(i), CASH);
            _cash[i] = CASH;
        }
        for (uint256 i = 0; i < FOUNDERS; ++i) {
            founders[i] = IStaking.Founder({account: who(i), name: nameOf(i), bond: FOUNDERS_BOND, commissionBps: 777});
            Account storage account = _accounts[i];
            account.commissionBps = 777;
            account.nextBps = 777;
            account.standing = IValidators.Standing.Active;
            add(account, i, FOUNDERS_BOND);
        }
        _reserve = RESERVE;
        staking =
            IStaking(deploy("Staking", abi.encode(founders, rules(), address(0)), FOUNDERS_BOND * FOUNDERS + RESERVE));
        set = staking;
        fillSeats(0);
    }

    function rules() internal pure override returns (IStaking.Rules memory) {
        return IStaking.Rules({
            window: 8,
            missedMax: 3,
            absentSeconds: 3,
            jailBlocks: 5,
            unbondingBlocks: 6,
            commissionBlocks: 3,
            powerUnit: 7,
            selfBondMin: 20,
            rewardPerBlock: 13,
            proposerBps: 1234,
            slashBps: 789
        });
    }

    /// @notice A block begins, after fees have come in.
    function beginBlock(uint256 seed, uint256 fees) external atItsHeight {
        fees %= 60;
        vm.deal(address(staking), address(staking).balance + fees);
        _income += fees;
        // Mostly one is missing, or nobody; sometimes there is no certificate, or one of strangers only.
        uint256 what = seed % 16;
        uint256 signing = what == 0 ? 0 : what == 1 ? 1 << PEOPLE : type(uint256).max;
        if (what > 1 && what < 12) signing ^= 1 << ((seed >> 8) % 2);
        if (what == 12) signing ^= (seed >> 16) % 31;
        uint256 proposer = (seed >> 64) % PEOPLE;
        address[] memory signers = sortedSigners(signing);
        vm.roll(++height);
        time += (seed >> 128) % 4;
        vm.warp(time);
        vm.prank(SYSTEM);
        staking.onBlock(domain, who(proposer), 0, signers);
        record(signers, proposer);
        ++successes[0];
    }

    /// @notice Somebody bonds or delegates.
    function stake(uint256 whoSeed, uint256 validatorSeed, uint256 amount) external atItsHeight {
        uint256 person_ = whoSeed % PEOPLE;
        uint256 to = validatorSeed % VALIDATORS;
        amount = amount % 300 + (amount % 17 == 0 ? 0 : 1);
        Account storage account = _accounts[to];
        if (amount > _cash[person_]) return;
        bool expected = amount != 0 && account.standing != IValidators.Standing.None
            && account.standing != IValidators.Standing.Equivocated;
        bytes memory data =
            person_ == to ? abi.encodeCall(IStaking.bond, ()) : abi.encodeCall(IStaking.delegate, (who(to)));
        if (!attempt(1, person_, amount, data, expected)) return;
        _cash[person_] -= amount;
        add(account, person_, amount);
        considerJoining(to);
    }

    /// @notice Somebody unbonds.
    function unbond(uint256 whoSeed, uint256 validatorSeed, uint256 amount) external atItsHeight {
        uint256 person_ = whoSeed % PEOPLE;
        uint256 from = validatorSeed % VALIDATORS;
        Account storage account = _accounts[from];
        // Mostly somebody who has shares.
        for (uint256 i = 0; i < PEOPLE && (whoSeed >> 8) % 4 != 0; ++i) {
            if (account.sharesOf[person_] != 0) break;
            person_ = (person_ + 1) % PEOPLE;
        }
        uint256 held = account.sharesOf[person_];
        uint256 shares = amount % 5 == 0 ? held : amount % (held + 2);
        bool expected = shares != 0 && shares <= held && _leaving[person_].length - _due[person_] < 32;
        bytes memory data = abi.encodeCall(IStaking.unbond, (who(from), shares));
        if (!attempt(2, person_, 0, data, expected)) return;
        uint256 worth = account.stake * shares / account.shares;
        account.sharesOf[person_] -= shares;
        account.shares -= shares;
        account.stake -= worth;
        _bonded -= worth;
        _unbonding += worth;
        _leaving[person_].push(Leaving({validator: from, begunIn: height, amount: worth, isLate: account.isSlashed}));
        if (account.away > account.stake / 7) account.away = account.stake / 7;
        if (account.standing == IValidators.Standing.Active && account.sharesOf[from] < 20) {
            setStanding(account, IValidators.Standing.Unbonded);
        }
    }

    /// @notice Somebody takes what has unbonded.
    function withdraw(uint256 whoSeed) external atItsHeight {
        uint256 person_ = whoSeed % PEOPLE;
        // Mostly somebody who has something to take.
        for (uint256 i = 0; i < PEOPLE && (whoSeed >> 8) % 4 != 0; ++i) {
            if (_leaving[person_].length != _due[person_]) break;
            person_ = (person_ + 1) % PEOPLE;
        }
        Leaving[] storage queue = _leaving[person_];
        uint256 next = _due[person_];
        uint256 gross = 0;
        uint256 net = 0;
        while (next < queue.length && queue[next].begunIn + 6 + 2 <= height) {
            gross += queue[next].amount;
            net += worthOf(queue[next]);
            ++next;
        }
        if (!attempt(3, person_, 0, abi.encodeCall(IStaking.withdraw, ()), next != _due[person_])) return;
        if (net != gross) ++lateSlashes;
        _due[person_] = next;
        _unbonding -= gross;
        _reserve += gross - net;
        _cash[person_] += net;
    }

    /// @notice Somebody takes rewards.
    function claim(uint256 whoSeed, uint256 validatorSeed) external atItsHeight {
        uint256 person_ = whoSeed % PEOPLE;
        uint256 from = validatorSeed % VALIDATORS;
        uint256 amount = claimable(from, person_);
        if (!attempt(4, person_, 0, abi.encodeCall(IStaking.claim, (who(from))), amount != 0)) return;
        Account storage account = _accounts[from];
        account.earnedOf[person_] %= 1 << 96;
        if (person_ == from) account.commission = 0;
        _rewards -= amount;
        _cash[person_] += amount;
    }

    /// @notice Somebody is proven to have signed two blocks of late.
    function accuse(uint256 validatorSeed, uint256 agoSeed) external atItsHeight {
        // Seldom, or nobody would be left to see the rest.
        if (agoSeed % 3 != 0) return;
        uint256 ago = (agoSeed >> 8) % 9;
        if (ago > height) return;
        uint256 accused = validatorSeed % VALIDATORS;
        uint256 offence = height - ago;
        // Often what the latest to leave has to pay for, or just not.
        if ((validatorSeed >> 16) % 2 == 0) (accused, offence) = latestToLeave(accused, offence, ago % 4);
        Account storage account = _accounts[accused];
        bool expected = account.standing != IValidators.Standing.None && height <= offence + 6
            && !_proven[offence * VALIDATORS + accused] && staking.signingDomain() != 0;
        if (!attempt(5, 6, 0, accusation(accused, offence), expected)) return;
        _proven[offence * VALIDATORS + accused] = true;
        if (account.standing != IValidators.Standing.Equivocated) {
            setStanding(account, IValidators.Standing.Equivocated);
        }
        if (account.isSlashed) {
            if (offence < account.slashedFrom) account.slashedFrom = offence;
            return;
        }
        ++slashes;
        account.isSlashed = true;
        account.slashedFrom = offence;
        uint256 slashed = account.stake * 789 / 10_000;
        account.stake -= slashed;
        _bonded -= slashed;
        _reserve += slashed;
    }

    /// @notice Somebody offers to validate.
    function enlist(uint256 validatorSeed, uint256 amount) external atItsHeight {
        uint256 person_ = validatorSeed % VALIDATORS;
        amount %= 100;
        if (amount > _cash[person_]) return;
        Account storage account = _accounts[person_];
        bool expected = account.standing == IValidators.Standing.None;
        bytes memory data = abi.encodeCall(IStaking.enlist, (nameOf(person_), uint16(amount * 99)));
        if (!attempt(6, person_, amount, data, expected)) return;
        account.commissionBps = amount * 99;
        account.nextBps = amount * 99;
        setStanding(account, IValidators.Standing.Unbonded);
        if (amount == 0) return;
        _cash[person_] -= amount;
        add(account, person_, amount);
        considerJoining(person_);
    }

    /// @notice Somebody comes back from absence.
    function unjail(uint256 validatorSeed) external atItsHeight {
        uint256 person_ = validatorSeed % VALIDATORS;
        Account storage account = _accounts[person_];
        bool expected = account.standing == IValidators.Standing.Absent && height >= account.since + 5
            && account.sharesOf[person_] >= 20;
        if (!attempt(7, person_, 0, abi.encodeCall(IStaking.unjail, ()), expected)) return;
        setStanding(account, IValidators.Standing.Active);
    }

    /// @notice A validator announces a commission.
    function announce(uint256 validatorSeed, uint256 bps) external atItsHeight {
        uint256 person_ = validatorSeed % VALIDATORS;
        bps %= 11_000;
        Account storage account = _accounts[person_];
        bool expected = account.standing != IValidators.Standing.None && bps <= 10_000;
        bytes memory data = abi.encodeCall(IStaking.announceCommission, (uint16(bps)));
        if (!attempt(8, person_, 0, data, expected)) return;
        if (height >= account.nextFrom) account.commissionBps = account.nextBps;
        account.nextBps = bps;
        account.nextFrom = height + 3;
    }

    /// @notice Somebody gives money away, to the reserve or just so.
    function give(uint256 whoSeed, uint256 amount) external atItsHeight {
        uint256 person_ = whoSeed % PEOPLE;
        bool isFunding = (whoSeed >> 8) % 2 == 0;
        amount = amount % 7 == 0 ? 0 : amount % 100;
        if (amount > _cash[person_]) return;
        bytes memory data = isFunding ? abi.encodeCall(IStaking.fund, ()) : bytes("");
        if (!attempt(9, person_, amount, data, amount != 0 || !isFunding)) return;
        _cash[person_] -= amount;
        if (isFunding) _reserve += amount;
        else _income += amount;
    }

    /// @notice Compares everything.
    function check() external view {
        checkMoney();
        checkSeats();
        for (uint256 i = 0; i < VALIDATORS; ++i) {
            checkPool(i);
        }
        for (uint256 i = 0; i < PEOPLE; ++i) {
            assertEq(who(i).balance, _cash[i], "cash");
            IStaking.Unbonding[] memory leaving = staking.unbondings(who(i));
            assertEq(leaving.length, _leaving[i].length - _due[i], "on the way out");
            for (uint256 j = 0; j < leaving.length; ++j) {
                assertEq(leaving[j].amount, worthOf(_leaving[i][_due[i] + j]), "on the way out");
            }
        }
    }

    function who(uint256 index) public view returns (address) {
        return accountOf(index);
    }

    function checkMoney() private view {
        IStaking.Money memory money = staking.money();
        assertEq(money.bonded, _bonded, "bonded");
        assertEq(money.unbonding, _unbonding, "unbonding");
        assertEq(money.rewards, _rewards, "rewards");
        assertEq(money.reserve, _reserve, "reserve");
        // The law, and that each sum is the sum of what it is made of.
        assertEq(address(staking).balance, _bonded + _unbonding + _rewards + _reserve + _income, "balance");
        uint256 bonded = 0;
        uint256 earned = 0;
        for (uint256 i = 0; i < VALIDATORS; ++i) {
            Account storage account = _accounts[i];
            bonded += account.stake;
            earned += account.leftOver + (account.commission << 96);
            for (uint256 j = 0; j < PEOPLE; ++j) {
                earned += account.earnedOf[j];
            }
        }
        assertEq(bonded, _bonded, "all stakes");
        assertEq(earned, _rewards << 96, "all rewards, to the last fraction");
    }

    function checkSeats() private view {
        IValidators.Validator[] memory voters = staking.validators();
        uint256 count = 0;
        bool isAnybodyThere = false;
        for (uint256 i = 0; i < VALIDATORS; ++i) {
            if (!_accounts[i].isSeated) continue;
            ++count;
            isAnybodyThere = isAnybodyThere || proposesNext(_accounts[i]);
        }
        assertEq(voters.length, count, "voters");
        for (uint256 i = 0; i < voters.length; ++i) {
            assertTrue(i == 0 || voters[i - 1].account < voters[i].account, "ascending");
            for (uint256 j = 0; j < VALIDATORS; ++j) {
                if (voters[i].account != who(j)) continue;
                assertTrue(_accounts[j].isSeated, "has a seat");
                assertEq(voters[i].power, _accounts[j].power, "power");
                bool proposes_ = proposesNext(_accounts[j]) || !isAnybodyThere;
                assertTrue(voters[i].proposes == proposes_, "proposes");
            }
        }
    }

    function checkPool(uint256 index) private view {
        Account storage account = _accounts[index];
        IStaking.Pool memory pool = staking.pool(who(index));
        assertEq(pool.stake, account.stake, "stake");
        assertEq(pool.shares, account.shares, "shares");
        assertStanding(who(index), account.standing);
        for (uint256 j = 0; j < PEOPLE; ++j) {
            (uint256 shares, uint256 worth) = staking.delegation(who(index), who(j));
            assertEq(shares, account.sharesOf[j], "shares of one");
            if (shares != 0) assertEq(worth, account.stake * shares / account.shares, "worth");
            assertEq(staking.claimable(who(index), who(j)), claimable(index, j), "claimable");
        }
    }

    /// @dev The last validator that somebody left, and a height about that time.
    function latestToLeave(uint256 accused, uint256 offence, uint256 before) private view returns (uint256, uint256) {
        uint256 latest = 0;
        for (uint256 i = 0; i < PEOPLE; ++i) {
            Leaving[] storage queue = _leaving[i];
            if (queue.length == 0 || queue[queue.length - 1].begunIn < latest) continue;
            latest = queue[queue.length - 1].begunIn;
            accused = queue[queue.length - 1].validator;
            offence = latest + 2 < before ? 0 : latest + 2 - before;
        }
        return (accused, offence);
    }

    /// @dev Makes a call that must succeed or fail as foretold.
    function attempt(uint256 call, uint256 by, uint256 value, bytes memory data, bool expected)
        private
        returns (bool success)
    {
        vm.prank(who(by));
        (success,) = address(staking).call{value: value}(data);
        assertTrue(success == expected, "as foretold");
        if (success) ++successes[call];
        else ++refusals[call];
    }

    function accusation(uint256 accused, uint256 offence) private view returns (bytes memory) {
        bytes32[2] memory blocks = [bytes32("one"), "other"];
        uint64 atHeight = uint64(offence);
        bytes[2] memory signatures = twoVotes(keyOf(nameOf(accused)), PRECOMMIT, atHeight, 0, blocks);
        return abi.encodeCall(IValidators.accuseVotes, (PRECOMMIT, atHeight, 0, blocks, signatures));
    }

    /// @dev The block as the second bookkeeping has it.
    function record(address[] memory signers, uint256 proposer) private {
        uint256 pot = _income;
        _income = 0;
        _reserve += pot;
        if (signers.length != 0) {
            uint256 added = _reserve - pot;
            pay(pot + (added < 13 ? added : 13), signers);
            countAbsences(signers);
        }
        _proposer = proposer;
        fillSeats(height + 1);
    }

    function pay(uint256 pot, address[] memory signers) private {
        uint256 bonus = pot * 1234 / 10_000;
        uint256 total = 0;
        for (uint256 i = 0; i < VALIDATORS; ++i) {
            if (couldSign(_accounts[i])) total += _accounts[i].power;
        }
        for (uint256 i = 0; i < VALIDATORS; ++i) {
            Account storage account = _accounts[i];
            if (!account.isSeated || account.isKept) continue;
            uint256 amount = i == _proposer ? bonus : 0;
            if (couldSign(account) && contains(signers, who(i))) amount += (pot - bonus) * account.power / total;
            _reserve -= amount;
            _rewards += amount;
            earn(account, amount);
        }
    }

    /// @dev At once to everybody who has a share.
    function earn(Account storage account, uint256 amount) private {
        uint256 bps = height >= account.nextFrom ? account.nextBps : account.commissionBps;
        uint256 commission = amount * bps / 10_000;
        account.commission += commission;
        uint256 rest = amount - commission;
        if (rest == 0) return;
        if (account.shares == 0) {
            account.commission += rest;
            return;
        }
        uint256 scaled = (rest << 96) + account.leftOver;
        for (uint256 j = 0; j < PEOPLE; ++j) {
            account.earnedOf[j] += account.sharesOf[j] * (scaled / account.shares);
        }
        account.leftOver = scaled % account.shares;
    }

    function countAbsences(address[] memory signers) private {
        uint256 seated = 0;
        uint256 away = 0;
        for (uint256 i = 0; i < VALIDATORS; ++i) {
            if (_accounts[i].isSeated) seated += _accounts[i].power;
            away += _accounts[i].away;
        }
        uint256[] memory order = ascending();
        for (uint256 i = 0; i < VALIDATORS; ++i) {
            Account storage account = _accounts[order[i]];
            if (!couldSign(account)) continue;
            bool isMissing = !contains(signers, who(order[i]));
            account.missed.push(isMissing);
            account.times.push(time);
            if (!isMissing || missedOf(account, 8) <= 3 || absentFor(account) < 3) continue;
            if (account.standing != IValidators.Standing.Active) continue;
            if ((away + account.power) * 3 >= seated + away) {
                ++spared;
                continue;
            }
            seated -= account.power;
            away += account.power;
            setStanding(account, IValidators.Standing.Absent);
            account.away = account.power;
            ++removals;
        }
    }

    function fillSeats(uint256 votesFrom) private {
        bool isEmpty = true;
        for (uint256 i = 0; i < VALIDATORS; ++i) {
            if (_accounts[i].standing == IValidators.Standing.Active) isEmpty = false;
        }
        for (uint256 i = 0; i < VALIDATORS; ++i) {
            Account storage account = _accounts[i];
            if (isEmpty) {
                account.isKept = account.isSeated;
            } else if (account.standing == IValidators.Standing.Active) {
                if (!account.isSeated) {
                    delete account.missed;
                    delete account.times;
                    account.votesFrom = votesFrom;
                }
                account.isSeated = true;
                account.isKept = false;
                account.power = account.stake / 7;
            } else {
                account.isSeated = false;
                account.isKept = false;
            }
        }
        if (isEmpty) ++keptBlocks;
    }

    function add(Account storage account, uint256 person_, uint256 amount) private {
        account.sharesOf[person_] += amount;
        account.shares += amount;
        account.stake += amount;
        _bonded += amount;
    }

    function considerJoining(uint256 index) private {
        Account storage account = _accounts[index];
        bool isOut = account.standing == IValidators.Standing.Unbonded;
        if (isOut && account.sharesOf[index] >= 20) setStanding(account, IValidators.Standing.Active);
    }

    function setStanding(Account storage account, IValidators.Standing standing) private {
        account.standing = standing;
        account.since = height;
        account.away = 0;
    }

    function couldSign(Account storage account) private view returns (bool) {
        return account.isSeated && account.votesFrom < height;
    }

    function proposesNext(Account storage account) private view returns (bool) {
        return missedOf(account, 3) < 3;
    }

    /// @dev Since it was last not beyond what may be missed: the time from each certificate that it missed to the next
    /// one, of which a second counts at most (a tenth of three, rounded up).
    function absentFor(Account storage account) private view returns (uint256 sum) {
        uint256 last = 0;
        for (uint256 end = 1; end <= account.missed.length; ++end) {
            if (missedOf(account, end, 8) <= 3) {
                (last, sum) = (0, 0);
            } else if (!account.missed[end - 1]) {
                continue;
            } else {
                if (last != 0 && account.times[end - 1] != last) ++sum;
                last = account.times[end - 1];
            }
        }
    }

    function missedOf(Account storage account, uint256 window) private view returns (uint256) {
        return missedOf(account, account.missed.length, window);
    }

    function missedOf(Account storage account, uint256 length, uint256 window) private view returns (uint256 count) {
        for (uint256 i = length < window ? 0 : length - window; i < length; ++i) {
            if (account.missed[i]) ++count;
        }
    }

    function claimable(uint256 validator, uint256 person_) private view returns (uint256 amount) {
        Account storage account = _accounts[validator];
        amount = account.earnedOf[person_] >> 96;
        if (validator == person_) amount += account.commission;
    }

    function worthOf(Leaving storage leaving) private view returns (uint256) {
        Account storage account = _accounts[leaving.validator];
        bool hasLeftBefore = leaving.begunIn + 1 < account.slashedFrom;
        if (leaving.isLate || !account.isSlashed || hasLeftBefore) return leaving.amount;
        return leaving.amount - leaving.amount * 789 / 10_000;
    }

    /// @dev Those with a bit set, ascending by address; the last bit is a stranger.
    function sortedSigners(uint256 signing) private view returns (address[] memory signers) {
        uint256[] memory order = ascending();
        signers = new address[](VALIDATORS + 1);
        uint256 count = 0;
        for (uint256 i = 0; i < VALIDATORS; ++i) {
            if ((signing >> order[i]) & 1 != 0) signers[count++] = who(order[i]);
        }
        if (signing == 1 << PEOPLE) signers[count++] = address(1);
        assembly ("memory-safe") {
            mstore(signers, count)
        }
    }

    function ascending() private view returns (uint256[] memory order) {
        order = new uint256[](VALIDATORS);
        for (uint256 i = 0; i < VALIDATORS; ++i) {
            uint256 rank = 0;
            for (uint256 j = 0; j < VALIDATORS; ++j) {
                if (who(j) < who(i)) ++rank;
            }
            order[rank] = i;
        }
    }

    modifier atItsHeight() {
        vm.roll(height);
        _;
    }
}
