// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IValidatorRegistry} from "../interfaces/IValidatorRegistry.sol";
import {Validators} from "./Validators.sol";

/// @title Validators with equal votes.
/// @notice Known organizations, one vote each. More than two thirds of those who vote take somebody in or vote
/// somebody out, each by a transaction of its consensus key's account. No owner, no other way in,
/// unless a governor is named: then that decides instead, and validators only resign and come back by themselves.
contract ValidatorRegistry is IValidatorRegistry, Validators {
    /// @inheritdoc IValidatorRegistry
    uint64 public immutable motionBlocks;
    /// @inheritdoc IValidatorRegistry
    address public immutable governor;

    Motion[] private _motions;
    mapping(uint256 id => mapping(address account => bool)) private _approvals;

    /// @param accounts Who validates from the beginning.
    /// @param names Whom people know them as, in the same order.
    /// @param window Certificates over which absence is counted, 3 to 128.
    /// @param missedMax Missing more of them is absence.
    /// @param absentSeconds It is removed for when it has lasted so long, in time of blocks; 0: at once.
    /// @param rejoinBlocks The least time out for absence.
    /// @param motionBlocks_ For how many blocks a motion can be approved.
    /// @param governor_ Who decides instead of the validators; 0 for nobody.
    constructor(
        address[] memory accounts,
        string[] memory names,
        uint8 window,
        uint8 missedMax,
        uint24 absentSeconds,
        uint64 rejoinBlocks,
        uint64 motionBlocks_,
        address governor_
    ) Validators(window, missedMax, absentSeconds, rejoinBlocks) {
        if (accounts.length != names.length || accounts.length > SEATS_MAX) {
            revert InvalidValidators();
        }
        if (motionBlocks_ == 0 || motionBlocks_ > type(uint32).max) revert InvalidRule("motionBlocks");
        motionBlocks = motionBlocks_;
        governor = governor_;
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (_standingOf(accounts[i]) != Standing.None) revert InvalidValidators();
            _introduce(accounts[i], names[i]);
            _admit(accounts[i], 0);
        }
        _found();
    }

    /// @inheritdoc IValidatorRegistry
    function propose(address account, string calldata name_, bool add) external returns (uint256 id) {
        _requireUngoverned();
        _requireVoter();
        _requireFitting(account, add);
        if (add) _requireName(account, name_);
        id = _motions.length;
        uint64 lastBlock = uint64(block.number) + motionBlocks;
        _motions.push(
            Motion({
                account: account,
                add: add,
                carried: false,
                lastBlock: lastBlock,
                proposer: msg.sender,
                name: add ? name_ : ""
            })
        );
        emit Proposed(id, account, add, msg.sender, lastBlock);
        _approve(id);
    }

    /// @inheritdoc IValidatorRegistry
    function approve(uint256 id) external {
        _requireUngoverned();
        _requireVoter();
        if (id >= _motions.length) revert UnknownMotion(id);
        if (_motions[id].carried || block.number > _motions[id].lastBlock) revert MotionClosed(id);
        if (_approvals[id][msg.sender]) revert AlreadyApproved(id, msg.sender);
        _approve(id);
    }

    /// @inheritdoc IValidatorRegistry
    function admit(address account, string calldata name_) external {
        _requireGovernor();
        _requireFitting(account, true);
        _introduce(account, name_);
        _admit(account, uint64(block.number));
    }

    /// @inheritdoc IValidatorRegistry
    function dismiss(address account) external {
        _requireGovernor();
        _requireFitting(account, false);
        _dismiss(account, Standing.VotedOut);
    }

    /// @inheritdoc IValidatorRegistry
    function resign() external {
        Standing now_ = _standingOf(msg.sender);
        if (now_ != Standing.Active && now_ != Standing.Absent) revert WrongStanding(msg.sender, now_);
        _dismiss(msg.sender, Standing.Left);
    }

    /// @inheritdoc IValidatorRegistry
    function rejoin() external {
        _requireRested(msg.sender);
        _admit(msg.sender, uint64(block.number));
    }

    /// @inheritdoc IValidatorRegistry
    function motionCount() external view returns (uint256) {
        return _motions.length;
    }

    /// @inheritdoc IValidatorRegistry
    function motion(uint256 id) external view returns (Motion memory) {
        if (id >= _motions.length) revert UnknownMotion(id);
        return _motions[id];
    }

    /// @inheritdoc IValidatorRegistry
    function support(uint256 id) public view returns (uint256 approving, uint256 voting) {
        voting = _seatCount();
        for (uint256 i = 0; i < voting; ++i) {
            if (_approvals[id][_seatAt(i)]) ++approving;
        }
    }

    /// @inheritdoc IValidatorRegistry
    function hasApproved(uint256 id, address account) external view returns (bool) {
        return _approvals[id][account];
    }

    function _approve(uint256 id) private {
        _approvals[id][msg.sender] = true;
        emit Approved(id, msg.sender);
        (uint256 approving, uint256 voting) = support(id);
        if (approving * 3 <= voting * 2) return;

        Motion storage carried = _motions[id];
        carried.carried = true;
        emit Carried(id);
        // Much may have happened since it was proposed.
        _requireFitting(carried.account, carried.add);
        if (carried.add) {
            _introduce(carried.account, carried.name);
            _admit(carried.account, uint64(block.number));
        } else {
            _dismiss(carried.account, Standing.VotedOut);
        }
    }

    function _dismiss(address account, Standing reason) private {
        if (_standingOf(account) == Standing.Absent) {
            _setStanding(account, reason);
            return;
        }
        if (_memberCount() == 1) revert LastValidator();
        _remove(account, reason, uint64(block.number) + 1);
    }

    function _requireGovernor() private view {
        if (msg.sender != governor) revert NotGovernor(msg.sender);
    }

    function _requireUngoverned() private view {
        if (governor != address(0)) revert Governed(governor);
    }

    function _requireVoter() private view {
        uint256 count = _seatCount();
        for (uint256 i = 0; i < count; ++i) {
            if (_seatAt(i) == msg.sender) return;
        }
        revert NotVoter(msg.sender);
    }

    /// @dev Who is absent is in already, and comes back by itself; who equivocated never does.
    function _requireFitting(address account, bool add) private view {
        Standing now_ = _standingOf(account);
        bool isIn = now_ == Standing.Active || now_ == Standing.Absent;
        if (isIn == add || (add && now_ == Standing.Equivocated)) revert WrongStanding(account, now_);
        // The absent keep their places; each had one vote.
        if (add && _memberCount() + _absentPower() >= SEATS_MAX) revert NoPlace();
    }

    /// @dev Validating is not paid for here.
    function _reward(Seat[] memory, uint256, uint256, bool, address, uint32) internal override {}

    function _choose() internal view override returns (uint256[] memory chosen) {
        chosen = new uint256[](_memberCount());
        for (uint256 i = 0; i < chosen.length; ++i) {
            chosen[i] = (uint256(uint160(_memberAt(i))) << 64) | 1;
        }
    }

    /// @dev There is no money that could have left in time; evidence is taken whenever it comes.
    function _requireFresh(uint64) internal view override {}

    /// @dev The seat is all there is to lose.
    function _slash(address, uint64) internal override {}
}
