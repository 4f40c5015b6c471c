// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IStaking} from "../interfaces/IStaking.sol";
import {Validators} from "./Validators.sol";

/// @title Validators with votes by stake.
/// @notice No owner and no upgrade; a governor, if there is one, can only take votes away. Blocks name this contract as their coinbase: what came in since the last block is
/// that block's fees.
///
/// **What a block earns** is its fees and `rewardPerBlock`, paid at the start of the next one, when its certificate is
/// there: `proposerBps` to the proposer; the rest in parts by power, to those who signed. The part of one who did not
/// sign goes to the reserve, not to the others, so that nobody gains by leaving a signature out. A block without a
/// certificate pays into the reserve. A validator takes its commission, its delegators share the rest.
///
/// **Equivocation** costs once, however often it is proven: `slashBps` of everything bonded to the validator, and of
/// everything that began to leave when it still counted at the lowest proven height. A second proof can only lower
/// that height, so that nobody escapes by accusing themselves of something later.
/// @dev Exact to the last unit. A pool's rewards are counted in 2^-96 units a share; what a division leaves over is
/// carried to the next one, and what an account cannot be paid yet, being less than a unit, stays its own.
/// The sum of everything is below 2^112 (`MONEY_MAX`), so that no single amount can overflow.
///
/// Each block writes one slot for each validator that it pays (`Pool`, second slot). The rest waits until somebody
/// touches the pool: while shares do not change, one division does for many blocks.
contract Staking is IStaking, Validators, ReentrancyGuardTransient {
    using Address for address payable;

    uint256 private constant CANDIDATES_MAX = 128;
    uint256 private constant UNBONDINGS_MAX = 32;
    uint256 private constant BASIS = 10_000;
    uint256 private constant MONEY_MAX = type(uint112).max;
    /// @dev Rewards a share are counted in units of 2^-96: with fewer shares than that, less than a unit waits.
    uint256 private constant SCALE_BITS = 96;
    /// @dev A change in block `c` counts from `c + 2` on: stake that leaves in `c` has backed votes up to `c + 1`.
    uint256 private constant LAG_BLOCKS = 2;

    /// @dev One validator's stake; a blank line between slots.
    struct Stake {
        uint112 stake;
        uint112 shares;

        // The slot that blocks write.
        uint112 commission;
        uint112 undivided; // earned by all shares, not yet in `perShare`
        uint16 commissionBps;
        uint16 nextCommissionBps;

        uint256 perShare; // scaled

        uint112 carried; // scaled, left over by the last division
        uint64 nextCommissionFrom;
        uint64 slashedFrom;
        bool isSlashed;
    }

    /// @dev What one account has with one validator.
    struct Holding {
        uint112 shares;

        uint256 perShare; // up to where `earned` is counted

        uint256 earned; // scaled
    }

    /// @dev Stake on its way out.
    struct Leaving {
        address validator;
        uint64 begunIn;
        bool isSlashed; // it was already when this began

        uint112 amount;
    }

    /// @inheritdoc IStaking
    address public immutable governor;

    uint64 private immutable _unbondingBlocks;
    uint64 private immutable _commissionBlocks;
    uint112 private immutable _powerUnit;
    uint112 private immutable _selfBondMin;
    uint112 private immutable _rewardPerBlock;
    uint16 private immutable _proposerBps;
    uint16 private immutable _slashBps;

    uint112 private _bonded;
    uint112 private _unbonding;

    uint112 private _rewards;
    uint112 private _reserve;

    address private _proposer; // of the block before
    mapping(address validator => Stake) private _stakes;
    mapping(address validator => mapping(address account => Holding)) private _holdings;
    mapping(address account => Leaving[]) private _leaving;
    mapping(address account => uint256) private _paidOut; // so many of them, the first, are paid out

    /// @param founders Who validates from the beginning.
    /// @param given What holds from now on.
    /// @param governor_ Who may expel validators; 0 for nobody.
    /// @dev What is sent is the founders' bonds and the first reserve.
    constructor(Founder[] memory founders, Rules memory given, address governor_)
        payable
        Validators(given.window, given.missedMax, given.absentSeconds, given.jailBlocks)
    {
        if (given.unbondingBlocks == 0 || given.unbondingBlocks > type(uint32).max) {
            revert InvalidRule("unbondingBlocks");
        }
        if (given.commissionBlocks > type(uint32).max) revert InvalidRule("commissionBlocks");
        if (given.powerUnit == 0) revert InvalidRule("powerUnit");
        if (given.selfBondMin < given.powerUnit) revert InvalidRule("selfBondMin");
        if (given.proposerBps > BASIS) revert InvalidRule("proposerBps");
        if (given.slashBps > BASIS) revert InvalidRule("slashBps");
        governor = governor_;
        _unbondingBlocks = given.unbondingBlocks;
        _commissionBlocks = given.commissionBlocks;
        _powerUnit = given.powerUnit;
        _selfBondMin = given.selfBondMin;
        _rewardPerBlock = given.rewardPerBlock;
        _proposerBps = given.proposerBps;
        _slashBps = given.slashBps;

        if (msg.value > MONEY_MAX) revert TooMuch();
        if (founders.length > SEATS_MAX) revert InvalidValidators();
        uint256 bonds = 0;
        for (uint256 i = 0; i < founders.length; ++i) {
            Founder memory founder = founders[i];
            if (_standingOf(founder.account) != Standing.None) revert InvalidValidators();
            if (founder.bond < given.selfBondMin) revert SelfBondTooLow(founder.bond, given.selfBondMin);
            bonds += founder.bond;
            if (bonds > msg.value) revert InvalidValidators();
            _enlist(founder.account, founder.name, founder.commissionBps);
            _addStake(founder.account, founder.account, founder.bond);
            _admit(founder.account, 0);
        }
        // At most what was sent.
        // forge-lint: disable-next-line(unsafe-typecast)
        _reserve = uint112(msg.value - bonds);
        _found();
    }

    /// @notice What comes in here, and what blocks pay to their coinbase, is earned by the block.
    receive() external payable {}

    /// @inheritdoc IStaking
    function enlist(string calldata name_, uint16 commissionBps) external payable nonReentrant {
        if (_standingOf(msg.sender) != Standing.None) revert AlreadyEnlisted(msg.sender);
        _enlist(msg.sender, name_, commissionBps);
        _setStanding(msg.sender, Standing.Unbonded);
        if (msg.value != 0) _bond(msg.sender);
    }

    /// @inheritdoc IStaking
    function bond() external payable nonReentrant {
        _bond(msg.sender);
    }

    /// @inheritdoc IStaking
    function delegate(address validator) external payable nonReentrant {
        _bond(validator);
    }

    /// @inheritdoc IStaking
    function unbond(address validator, uint256 shares) external nonReentrant {
        if (shares == 0) revert NoAmount();
        Stake storage stake = _stakes[validator];
        Holding storage holding = _holdings[validator][msg.sender];
        if (shares > holding.shares) revert NotEnoughShares(shares, holding.shares);
        Leaving[] storage queue = _leaving[msg.sender];
        if (queue.length - _paidOut[msg.sender] == UNBONDINGS_MAX) revert TooManyUnbondings();

        _settle(stake, holding);
        // Rounded down: the rest stays with those who stay, and the last one gets it all.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint112 amount = uint112(uint256(stake.stake) * shares / stake.shares);
        // At most what the account has.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint112 parted = uint112(shares);
        holding.shares -= parted;
        stake.shares -= parted;
        stake.stake -= amount;
        _bonded -= amount;
        _unbonding += amount;
        queue.push(
            Leaving({validator: validator, begunIn: uint64(block.number), isSlashed: stake.isSlashed, amount: amount})
        );
        emit UnbondingBegun(validator, msg.sender, shares, amount);

        _limitAwayPower(validator, _powerOf(stake));
        if (_standingOf(validator) != Standing.Active) return;
        _noteChange();
        if (msg.sender == validator && holding.shares < _selfBondMin) {
            _remove(validator, Standing.Unbonded, uint64(block.number) + 1);
        }
    }

    /// @inheritdoc IStaking
    function withdraw() external nonReentrant returns (uint256 paid) {
        Leaving[] storage queue = _leaving[msg.sender];
        uint256 first = _paidOut[msg.sender];
        uint256 next = first;
        uint256 gross = 0;
        while (next < queue.length && _dueIn(queue[next]) <= block.number) {
            gross += queue[next].amount;
            paid += _worthOf(queue[next]);
            delete queue[next];
            ++next;
        }
        if (next == first) revert NothingDue();
        _paidOut[msg.sender] = next;
        // Parts of what is counted there already.
        // forge-lint: disable-next-line(unsafe-typecast)
        _unbonding -= uint112(gross);
        // forge-lint: disable-next-line(unsafe-typecast)
        _reserve += uint112(gross - paid);
        emit Withdrawn(msg.sender, paid, gross - paid);
        payable(msg.sender).sendValue(paid);
    }

    /// @inheritdoc IStaking
    function claim(address validator) external nonReentrant returns (uint256 paid) {
        Stake storage stake = _stakes[validator];
        Holding storage holding = _holdings[validator][msg.sender];
        _settle(stake, holding);
        paid = holding.earned >> SCALE_BITS;
        holding.earned -= paid << SCALE_BITS;
        if (msg.sender == validator) {
            paid += stake.commission;
            stake.commission = 0;
        }
        if (paid == 0) revert NothingDue();
        // A part of what is counted there already.
        // forge-lint: disable-next-line(unsafe-typecast)
        _rewards -= uint112(paid);
        emit Claimed(validator, msg.sender, paid);
        payable(msg.sender).sendValue(paid);
    }

    /// @inheritdoc IStaking
    function announceCommission(uint16 commissionBps) external {
        if (_standingOf(msg.sender) == Standing.None) revert NotValidator(msg.sender);
        if (commissionBps > BASIS) revert InvalidCommission(commissionBps);
        Stake storage stake = _stakes[msg.sender];
        stake.commissionBps = _commissionOf(stake);
        stake.nextCommissionBps = commissionBps;
        uint64 from = uint64(block.number + _commissionBlocks);
        stake.nextCommissionFrom = from;
        emit CommissionAnnounced(msg.sender, commissionBps, from);
    }

    /// @inheritdoc IStaking
    function unjail() external {
        _requireRested(msg.sender);
        uint256 own = _holdings[msg.sender][msg.sender].shares;
        if (own < _selfBondMin) revert SelfBondTooLow(own, _selfBondMin);
        if (!_makePlace(msg.sender)) revert NoPlace();
        _admit(msg.sender, uint64(block.number));
    }

    /// @inheritdoc IStaking
    /// @dev The only candidate keeps its seat until there is another one, as always.
    function expel(address validator) external {
        if (msg.sender != governor) revert NotGovernor(msg.sender);
        Standing now_ = _standingOf(validator);
        if (now_ == Standing.None) revert NotValidator(validator);
        if (now_ == Standing.Equivocated) revert Tombstoned(validator);
        if (now_ == Standing.VotedOut) revert Expelled(validator);
        if (now_ == Standing.Active) _remove(validator, Standing.VotedOut, uint64(block.number) + 1);
        else _setStanding(validator, Standing.VotedOut);
    }

    /// @inheritdoc IStaking
    function pardon(address validator) external {
        if (msg.sender != governor) revert NotGovernor(msg.sender);
        if (_standingOf(validator) != Standing.VotedOut) revert NotExpelled(validator);
        _setStanding(validator, Standing.Unbonded);
    }

    /// @inheritdoc IStaking
    function fund() external payable nonReentrant {
        if (msg.value == 0) revert NoAmount();
        _requireCountable(msg.value);
        // Checked just now.
        // forge-lint: disable-next-line(unsafe-typecast)
        _reserve += uint112(msg.value);
        emit Funded(msg.sender, msg.value);
    }

    /// @inheritdoc IStaking
    function money() external view returns (Money memory) {
        return Money({bonded: _bonded, unbonding: _unbonding, rewards: _rewards, reserve: _reserve});
    }

    /// @inheritdoc IStaking
    function rules() external view returns (Rules memory) {
        return Rules({
            window: _window,
            missedMax: _missedMax,
            absentSeconds: _absentSeconds,
            jailBlocks: _waitBlocks,
            unbondingBlocks: _unbondingBlocks,
            commissionBlocks: _commissionBlocks,
            powerUnit: _powerUnit,
            selfBondMin: _selfBondMin,
            rewardPerBlock: _rewardPerBlock,
            proposerBps: _proposerBps,
            slashBps: _slashBps
        });
    }

    /// @inheritdoc IStaking
    function pool(address validator) external view returns (Pool memory) {
        Stake storage stake = _stakes[validator];
        return Pool({
            stake: stake.stake,
            shares: stake.shares,
            commission: stake.commission,
            commissionBps: _commissionOf(stake),
            nextCommissionBps: stake.nextCommissionBps,
            nextCommissionFrom: stake.nextCommissionFrom,
            isSlashed: stake.isSlashed,
            slashedFrom: stake.slashedFrom
        });
    }

    /// @inheritdoc IStaking
    function delegation(address validator, address account) external view returns (uint256 shares, uint256 worth) {
        Stake storage stake = _stakes[validator];
        shares = _holdings[validator][account].shares;
        if (shares != 0) worth = stake.stake * shares / stake.shares;
    }

    /// @inheritdoc IStaking
    function claimable(address validator, address account) external view returns (uint256) {
        Stake storage stake = _stakes[validator];
        Holding storage holding = _holdings[validator][account];
        (uint256 perShare,, uint256 ownerless) = _divide(stake);
        uint256 amount = (holding.earned + holding.shares * (perShare - holding.perShare)) >> SCALE_BITS;
        return account == validator ? amount + stake.commission + ownerless : amount;
    }

    /// @inheritdoc IStaking
    function unbondings(address account) external view returns (Unbonding[] memory) {
        Leaving[] storage queue = _leaving[account];
        uint256 first = _paidOut[account];
        Unbonding[] memory list = new Unbonding[](queue.length - first);
        for (uint256 i = 0; i < list.length; ++i) {
            Leaving storage each = queue[first + i];
            list[i] = Unbonding({
                validator: each.validator, begunIn: each.begunIn, dueIn: uint64(_dueIn(each)), amount: _worthOf(each)
            });
        }
        return list;
    }

    /// @dev Pays for the block before this one.
    function _reward(Seat[] memory seats, uint256 voting, uint256 signing, bool isCertified, address proposer, uint32)
        internal
        override
    {
        address paidProposer = _proposer;
        if (proposer != paidProposer) _proposer = proposer;

        uint256 reserve = _reserve;
        uint256 rewards = _rewards;
        uint256 pot = _income();
        reserve += pot;
        if (isCertified) {
            uint256 added = reserve - pot;
            pot += added < _rewardPerBlock ? added : _rewardPerBlock;
            uint256 spent = _pay(seats, voting, signing, paidProposer, pot);
            reserve -= spent;
            rewards += spent;
        }
        // Both are at most `MONEY_MAX`.
        // forge-lint: disable-next-line(unsafe-typecast)
        _rewards = uint112(rewards);
        // forge-lint: disable-next-line(unsafe-typecast)
        _reserve = uint112(reserve);
    }

    /// @dev Who has a seat: the most powerful candidates; among equals, the lower address.
    function _choose() internal view override returns (uint256[] memory chosen) {
        uint256 count = _memberCount();
        chosen = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            address account = _memberAt(i);
            // Ascending by this: the weakest first, and among equals the higher address.
            chosen[i] = (_powerOf(_stakes[account]) << 160) | uint160(~uint160(account));
        }
        uint256 skipped = 0;
        if (count > SEATS_MAX) {
            _sort(chosen);
            skipped = count - SEATS_MAX;
        }
        for (uint256 i = skipped; i < count; ++i) {
            uint256 account = uint160(~uint160(chosen[i]));
            chosen[i - skipped] = (account << 64) | (chosen[i] >> 160);
        }
        assembly ("memory-safe") {
            mstore(chosen, sub(count, skipped))
        }
    }

    /// @dev Stake that has left cannot be slashed, so evidence counts only as long as none can have.
    function _requireFresh(uint64 height) internal view override {
        if (block.number > uint256(height) + _unbondingBlocks) revert InvalidEvidence("age");
    }

    function _slash(address account, uint64 height) internal override {
        Stake storage stake = _stakes[account];
        if (stake.isSlashed) {
            if (height < stake.slashedFrom) stake.slashedFrom = height;
            return;
        }
        stake.isSlashed = true;
        stake.slashedFrom = height;
        // A part of the stake.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint112 amount = uint112(uint256(stake.stake) * _slashBps / BASIS);
        stake.stake -= amount;
        _bonded -= amount;
        _reserve += amount;
        emit Slashed(account, amount);
    }

    function _enlist(address account, string memory name_, uint16 commissionBps) private {
        if (commissionBps > BASIS) revert InvalidCommission(commissionBps);
        _introduce(account, name_);
        Stake storage stake = _stakes[account];
        stake.commissionBps = commissionBps;
        stake.nextCommissionBps = commissionBps;
        emit Enlisted(account, commissionBps);
    }

    /// @dev What the caller sent joins a validator's stake, and may bring the validator onto the list.
    function _bond(address validator) private {
        if (msg.value == 0) revert NoAmount();
        _requireCountable(msg.value);
        Standing now_ = _standingOf(validator);
        if (now_ == Standing.None) revert NotValidator(validator);
        if (now_ == Standing.Equivocated) revert Tombstoned(validator);
        if (now_ == Standing.VotedOut) revert Expelled(validator);
        // Checked just now.
        // forge-lint: disable-next-line(unsafe-typecast)
        _addStake(validator, msg.sender, uint112(msg.value));

        if (now_ == Standing.Active) return _noteChange();
        if (now_ == Standing.Absent || _holdings[validator][validator].shares < _selfBondMin) return;
        if (_makePlace(validator)) _admit(validator, uint64(block.number));
    }

    /// @dev Before a slash a share is a unit of stake, and afterwards nobody can add any.
    function _addStake(address validator, address account, uint112 amount) private {
        Stake storage stake = _stakes[validator];
        Holding storage holding = _holdings[validator][account];
        _settle(stake, holding);
        holding.shares += amount;
        stake.shares += amount;
        stake.stake += amount;
        _bonded += amount;
        emit Delegated(validator, account, amount);
    }

    /// @dev Whether there is a place on the list for one more; the weakest candidate makes place for a stronger one.
    function _makePlace(address newcomer) private returns (bool) {
        uint256 count = _memberCount();
        if (count < CANDIDATES_MAX) return true;
        uint256 least = _powerOf(_stakes[newcomer]);
        address weakest = address(0);
        for (uint256 i = 0; i < count; ++i) {
            address each = _memberAt(i);
            uint256 power = _powerOf(_stakes[each]);
            if (power < least) (least, weakest) = (power, each);
        }
        if (weakest == address(0)) return false;
        _remove(weakest, Standing.Outbid, uint64(block.number) + 1);
        return true;
    }

    /// @dev Divides a pot among proposer and signers; what is nobody's is not spent.
    function _pay(Seat[] memory seats, uint256 voting, uint256 signing, address proposer, uint256 pot)
        private
        returns (uint256 spent)
    {
        uint256 total = 0;
        for (uint256 i = 0; i < seats.length; ++i) {
            if ((voting >> i) & 1 != 0) total += seats[i].power;
        }
        uint256 bonus = pot * _proposerBps / BASIS;
        uint256 rest = pot - bonus;
        for (uint256 i = 0; i < seats.length; ++i) {
            Seat memory seat = seats[i];
            if (seat.isKept) continue;
            uint256 amount = seat.account == proposer ? bonus : 0;
            if ((signing >> i) & 1 != 0) amount += rest * seat.power / total;
            if (amount == 0) continue;
            spent += amount;
            _earn(_stakes[seat.account], amount);
        }
    }

    function _earn(Stake storage stake, uint256 amount) private {
        uint16 commissionBps = stake.commissionBps;
        if (commissionBps != stake.nextCommissionBps) {
            commissionBps = _commissionOf(stake);
            stake.commissionBps = commissionBps;
        }
        uint256 commission = amount * commissionBps / BASIS;
        // Parts of `MONEY_MAX`.
        // forge-lint: disable-next-line(unsafe-typecast)
        stake.commission += uint112(commission);
        // forge-lint: disable-next-line(unsafe-typecast)
        stake.undivided += uint112(amount - commission);
    }

    /// @dev Divides what the pool has earned, and gives the account its part. To be done before shares change.
    function _settle(Stake storage stake, Holding storage holding) private {
        (uint256 perShare, uint256 carried, uint256 ownerless) = _divide(stake);
        stake.perShare = perShare;
        // Less than there are or were shares; and a part of `MONEY_MAX`.
        // forge-lint: disable-next-line(unsafe-typecast)
        stake.carried = uint112(carried);
        // forge-lint: disable-next-line(unsafe-typecast)
        stake.commission += uint112(ownerless);
        stake.undivided = 0;
        holding.earned += holding.shares * (perShare - holding.perShare);
        holding.perShare = perShare;
    }

    /// @dev What is earned while nobody has shares is the validator's, like its commission.
    function _divide(Stake storage stake) private view returns (uint256 perShare, uint256 carried, uint256 ownerless) {
        uint256 shares = stake.shares;
        uint256 undivided = stake.undivided;
        perShare = stake.perShare;
        carried = stake.carried;
        if (shares == 0) return (perShare, carried, undivided);
        if (undivided == 0) return (perShare, carried, 0);
        uint256 sum = (undivided << SCALE_BITS) + carried;
        return (perShare + sum / shares, sum % shares, 0);
    }

    /// @dev What has come in and is not counted yet, as far as it can be.
    function _income() private view returns (uint256) {
        uint256 balance = address(this).balance;
        if (balance > MONEY_MAX) balance = MONEY_MAX;
        uint256 counted = _counted();
        return balance > counted ? balance - counted : 0;
    }

    function _requireCountable(uint256 amount) private view {
        if (amount > MONEY_MAX - _counted()) revert TooMuch();
    }

    function _counted() private view returns (uint256) {
        return uint256(_bonded) + _unbonding + _rewards + _reserve;
    }

    function _powerOf(Stake storage stake) private view returns (uint256) {
        uint256 power = stake.stake / _powerUnit;
        return power < POWER_MAX ? power : POWER_MAX;
    }

    function _commissionOf(Stake storage stake) private view returns (uint16) {
        return block.number < stake.nextCommissionFrom ? stake.commissionBps : stake.nextCommissionBps;
    }

    function _dueIn(Leaving storage leaving) private view returns (uint256) {
        return uint256(leaving.begunIn) + _unbondingBlocks + LAG_BLOCKS;
    }

    /// @dev An amount that leaves, less what a slash takes of it.
    function _worthOf(Leaving storage leaving) private view returns (uint256) {
        uint256 amount = leaving.amount;
        if (leaving.isSlashed) return amount;
        Stake storage stake = _stakes[leaving.validator];
        if (!stake.isSlashed || leaving.begunIn + LAG_BLOCKS <= stake.slashedFrom) return amount;
        return amount - amount * _slashBps / BASIS;
    }
}
