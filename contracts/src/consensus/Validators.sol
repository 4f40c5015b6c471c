// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {IValidators} from "../interfaces/IValidators.sol";

/// @title The set of validators, the count of absences, and the docket of equivocations.
/// @notice What the two kinds of network share. How much a vote weighs, and who may have one, is said by
/// ValidatorRegistry and Staking.
///
/// **Removal for absence.** Who was missing from more than `missedMax` of the last `window` certificates, and stayed
/// beyond that for `absentSeconds`, loses its seat, so that the quorum is counted among those who are there.
/// - *Blocks alone say little*: under load a hundred of them pass in seconds, and a short pause must not cost a seat.
///   *Time alone says nothing* while there are no blocks. So both must be fulfilled.
/// - *Time is that of blocks*, and no step from one missed certificate to the next counts for more than a tenth of
///   `absentSeconds` (rounded up): neither a standstill of the chain, which nobody can attend, nor a proposer whose
///   clock is fast makes an absence long.
/// - *Liveness* only gains: a quorum is floor(2n/3) + 1 of n equal votes, which never grows when n falls, and those
///   who are present stay.
/// - *Absence needs a certificate*, hence a quorum without the absent. While two of four are down the chain stands
///   and nothing is counted. Three equal votes need all three, so absence alone never leads below three.
/// - *Safety*: two quorums of n share more than n/3, so the fewer seats, the fewer traitors suffice to sign two blocks.
///   This is why everybody who is away for absence may hold, together, less than a third of the power of those and
///   the seated. Whoever is absent beyond that keeps the seat, and is only passed over as proposer. After
///   any such removal the seated have more than two thirds of that power, so traitors, who need more than a third of
///   the seats, need more than 2/9 of all.
/// - *Malice*: a proposer can leave a signature out of a certificate, though only of the blocks that it proposes.
///   With less than a third of the power it cannot make anybody miss more than half of a window.
///
/// **Never nobody.** A set that would be empty stays as it was, until somebody can take over: so the only validator of
/// a network that equivocates is on the docket (and slashed), and keeps its seat. Without it no transaction could
/// ever bring another one, and to readers a set of nobody means that blocks need no signature. Such seats earn
/// nothing.
/// @dev A seat is two slots, and only absences change the second; a block that everybody signed writes nothing here.
/// Nothing depends on the block of construction: those who are there then vote from height 0 on.
abstract contract Validators is IValidators {
    /// @dev The caller of system calls (EIP-4788 and after).
    address private constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;

    /// @dev As many as there may be signatures in a header.
    uint256 internal constant SEATS_MAX = 64;
    /// @dev So that three times the power of all is still a 64-bit number.
    uint256 internal constant POWER_MAX = type(uint64).max / (3 * SEATS_MAX);
    /// @dev The last three certificates; all lack the signature of one who is passed over.
    uint256 private constant PASSED_OVER = 7;
    /// @dev An absence that counts as long enough has at least so many steps of time.
    uint256 private constant ABSENT_STEPS_MIN = 10;
    uint256 private constant NAME_BYTES_MAX = 64;
    uint8 private constant PROPOSALS = 3;

    bytes32 private constant VOTE_TYPEHASH = keccak256("Vote(uint8 kind,uint64 height,uint32 round,bytes32 block)");
    bytes32 private constant PROPOSAL_TYPEHASH =
        keccak256("Proposal(uint64 height,uint32 round,bytes32 block,int64 validRound)");

    /// @dev One who votes; a blank line between slots.
    struct Seat {
        address account;
        uint64 power;
        bool isKept; // would be gone, if that did not leave nobody

        uint128 absences; // a bit for each of the last certificates, the newest lowest
        uint64 votesFrom; // height
        uint40 missedAt; // time of the last block that missed it, while it is beyond `missedMax`; else 0
        uint24 absentFor; // seconds that it has been, up to `absentSeconds`
    }

    /// @dev What is known of an account.
    struct Record {
        Standing standing;
        uint64 since; // block
        uint64 awayPower; // what it had when it was removed for absence, until that is over
        uint32 place; // in `_members`, from 1
    }

    /// @dev `Evidence`, packed.
    struct Filed {
        address accused;
        uint64 height;
        uint32 round;

        address accuser;
        uint64 acceptedIn;
        uint8 kind;
        uint8[2] v;

        bytes32[2] blocks;
        bytes32[2] r;
        bytes32[2] s;

        int64[2] validRounds;
    }

    uint8 internal immutable _window;
    uint8 internal immutable _missedMax;
    uint24 internal immutable _absentSeconds;
    uint64 internal immutable _waitBlocks;

    bytes32 private _domain;
    bool private _isChanged; // the seats are to be filled anew
    uint64 private _awayPower; // the sum over all records
    Seat[] private _seats; // ascending by account
    address[] private _members; // everybody whose standing is Active
    mapping(address account => Record) private _records;
    mapping(address account => string) private _names;
    address[] private _accounts;
    Filed[] private _docket;
    mapping(bytes32 offence => uint256) private _proven; // index in the docket, from 1

    constructor(uint8 window, uint8 missedMax, uint24 absentSeconds, uint64 waitBlocks) {
        if (window < 3 || window > 128) revert InvalidRule("window");
        if (missedMax == 0 || missedMax >= window) revert InvalidRule("missedMax");
        if (waitBlocks > type(uint32).max) revert InvalidRule("waitBlocks");
        _window = window;
        _missedMax = missedMax;
        _absentSeconds = absentSeconds;
        _waitBlocks = waitBlocks;
    }

    /// @inheritdoc IValidators
    /// @dev Never reverts for the system, whatever the arguments.
    function onBlock(bytes32 domain, address proposer, uint32 round, address[] calldata signers) external {
        if (msg.sender != SYSTEM) revert NotSystem(msg.sender);
        if (_domain == 0) _domain = domain;

        Seat[] memory seats = _seats;
        (uint256 voting, uint256 signing) = _match(seats, signers);
        bool isCertified = signers.length != 0;
        _reward(seats, voting, signing, isCertified, proposer, round);
        if (isCertified) _countAbsences(seats, voting, signing);
        if (_isChanged) _fillSeats(seats, uint64(block.number) + 1);
    }

    /// @inheritdoc IValidators
    function accuseVotes(
        uint8 kind,
        uint64 height,
        uint32 round,
        bytes32[2] calldata blocks,
        bytes[2] calldata signatures
    ) external {
        if (kind != 1 && kind != 2) revert InvalidEvidence("kind");
        Filed memory filed;
        filed.kind = kind;
        filed.height = height;
        filed.round = round;
        filed.blocks = blocks;
        bytes32[2] memory digests;
        for (uint256 i = 0; i < 2; ++i) {
            digests[i] = _digest(keccak256(abi.encode(VOTE_TYPEHASH, kind, height, round, blocks[i])));
        }
        _accuse(filed, digests, signatures);
    }

    /// @inheritdoc IValidators
    function accuseProposals(
        uint64 height,
        uint32 round,
        bytes32[2] calldata blocks,
        int64[2] calldata validRounds,
        bytes[2] calldata signatures
    ) external {
        Filed memory filed;
        filed.kind = PROPOSALS;
        filed.height = height;
        filed.round = round;
        filed.blocks = blocks;
        filed.validRounds = validRounds;
        bytes32[2] memory digests;
        for (uint256 i = 0; i < 2; ++i) {
            int64 valid = validRounds[i];
            if (valid < -1 || valid > int64(uint64(type(uint32).max))) revert InvalidEvidence("validRound");
            digests[i] = _digest(keccak256(abi.encode(PROPOSAL_TYPEHASH, height, round, blocks[i], valid)));
        }
        _accuse(filed, digests, signatures);
    }

    /// @inheritdoc IValidators
    function validators() external view returns (Validator[] memory) {
        Seat[] memory seats = _seats;
        Validator[] memory list = new Validator[](seats.length);
        bool isAnybodyThere = false;
        for (uint256 i = 0; i < seats.length; ++i) {
            bool proposes = seats[i].absences & PASSED_OVER != PASSED_OVER;
            list[i] = Validator({account: seats[i].account, power: seats[i].power, proposes: proposes});
            isAnybodyThere = isAnybodyThere || proposes;
        }
        if (isAnybodyThere) return list;
        for (uint256 i = 0; i < seats.length; ++i) {
            list[i].proposes = true;
        }
        return list;
    }

    /// @inheritdoc IValidators
    function evidenceCount() external view returns (uint256) {
        return _docket.length;
    }

    /// @inheritdoc IValidators
    function evidence(uint256 index) external view returns (Evidence memory) {
        Filed memory filed = _docket[index];
        return Evidence({
            accused: filed.accused,
            accuser: filed.accuser,
            kind: filed.kind,
            height: filed.height,
            round: filed.round,
            acceptedIn: filed.acceptedIn,
            blocks: filed.blocks,
            validRounds: filed.validRounds,
            signatures: [
                abi.encodePacked(filed.r[0], filed.s[0], filed.v[0]),
                abi.encodePacked(filed.r[1], filed.s[1], filed.v[1])
            ]
        });
    }

    /// @inheritdoc IValidators
    function members() external view returns (address[] memory) {
        return _members;
    }

    /// @inheritdoc IValidators
    function accountCount() external view returns (uint256) {
        return _accounts.length;
    }

    /// @inheritdoc IValidators
    function accountAt(uint256 index) external view returns (address) {
        return _accounts[index];
    }

    /// @inheritdoc IValidators
    function standing(address account) external view returns (Standing, uint64 since) {
        Record storage record = _records[account];
        return (record.standing, record.since);
    }

    /// @inheritdoc IValidators
    function name(address account) external view returns (string memory) {
        return _names[account];
    }

    /// @inheritdoc IValidators
    function attendance(address account) external view returns (uint256 missed, uint256 absentFor, uint64 votesFrom) {
        for (uint256 i = 0; i < _seats.length; ++i) {
            Seat storage seat = _seats[i];
            if (seat.account == account) return (_countBits(seat.absences), seat.absentFor, seat.votesFrom);
        }
        return (0, 0, 0);
    }

    /// @inheritdoc IValidators
    function absenceRules()
        external
        view
        returns (uint256 window, uint256 missedMax, uint256 absentSeconds, uint256 waitBlocks)
    {
        return (_window, _missedMax, _absentSeconds, _waitBlocks);
    }

    /// @inheritdoc IValidators
    function signingDomain() external view returns (bytes32) {
        return _domain;
    }

    /// @dev Pays for the block before this one, where validators are paid. `voting` and `signing` have a bit for each
    /// seat that could sign that block, and that did. Must not revert.
    function _reward(
        Seat[] memory seats,
        uint256 voting,
        uint256 signing,
        bool isCertified,
        address proposer,
        uint32 round
    ) internal virtual;

    /// @dev Who shall have a seat, in any order: account * 2^64 + power, with a power from 1 to `POWER_MAX`.
    /// At most `SEATS_MAX`, without doubles. Must not revert.
    function _choose() internal view virtual returns (uint256[] memory);

    /// @dev Refuses evidence that comes too late.
    function _requireFresh(uint64 height) internal view virtual;

    /// @dev What an equivocation costs beside the seat; called for each one that is proven.
    function _slash(address account, uint64 height) internal virtual;

    /// @dev Makes an account known, which has no standing yet.
    function _introduce(address account, string memory name_) internal {
        _requireName(account, name_);
        if (_records[account].standing == Standing.None) _accounts.push(account);
        _names[account] = name_;
    }

    function _requireName(address account, string memory name_) internal pure {
        if (account == address(0)) revert InvalidValidators();
        if (bytes(name_).length == 0 || bytes(name_).length > NAME_BYTES_MAX) revert InvalidName();
    }

    /// @dev Lets an account vote, from block `since` on.
    function _admit(address account, uint64 since) internal {
        Record storage record = _records[account];
        record.standing = Standing.Active;
        record.since = since;
        _setAwayPower(record, 0);
        _members.push(account);
        record.place = uint32(_members.length);
        _isChanged = true;
        emit ValidatorJoined(account, since == 0 ? 0 : since + 2);
    }

    /// @dev Takes the vote from an account.
    function _remove(address account, Standing reason, uint64 lastVote) internal {
        _setStanding(account, reason);
        // The last one takes the place.
        uint32 place = _records[account].place;
        address last = _members[_members.length - 1];
        _members[place - 1] = last;
        _records[last].place = place;
        _records[account].place = 0;
        _members.pop();
        _isChanged = true;
        emit ValidatorRemoved(account, reason, lastVote);
    }

    function _setStanding(address account, Standing reason) internal {
        Record storage record = _records[account];
        record.standing = reason;
        record.since = uint64(block.number);
        _setAwayPower(record, 0);
    }

    /// @dev Fills the seats at construction.
    function _found() internal {
        _fillSeats(new Seat[](0), 0);
        if (_seats.length == 0) revert InvalidValidators();
    }

    function _noteChange() internal {
        _isChanged = true;
    }

    /// @dev Counts an absent account's power no longer as more than it has.
    function _limitAwayPower(address account, uint256 power) internal {
        Record storage record = _records[account];
        // Smaller than a 64-bit number.
        // forge-lint: disable-next-line(unsafe-typecast)
        if (power < record.awayPower) _setAwayPower(record, uint64(power));
    }

    function _requireRested(address account) internal view {
        Record storage record = _records[account];
        if (record.standing != Standing.Absent) revert NotAbsent(account);
        uint256 allowedIn = uint256(record.since) + _waitBlocks;
        if (block.number < allowedIn) revert TooEarly(allowedIn);
    }

    function _standingOf(address account) internal view returns (Standing) {
        return _records[account].standing;
    }

    function _memberCount() internal view returns (uint256) {
        return _members.length;
    }

    function _memberAt(uint256 index) internal view returns (address) {
        return _members[index];
    }

    function _absentPower() internal view returns (uint256) {
        return _awayPower;
    }

    function _seatCount() internal view returns (uint256) {
        return _seats.length;
    }

    function _seatAt(uint256 index) internal view returns (address) {
        return _seats[index].account;
    }

    /// @dev Which seats could sign the block before this one, and which did. Both lists are ascending; one that is not
    /// only makes some look absent.
    function _match(Seat[] memory seats, address[] calldata signers)
        private
        view
        returns (uint256 voting, uint256 signing)
    {
        uint256 next = 0;
        uint256 bit = 1;
        for (uint256 i = 0; i < seats.length; ++i) {
            Seat memory seat = seats[i];
            if (seat.votesFrom < block.number) {
                voting |= bit;
                while (next < signers.length && signers[next] < seat.account) ++next;
                if (next < signers.length && signers[next] == seat.account) signing |= bit;
            }
            bit <<= 1;
        }
    }

    /// @dev Moves the windows on by one certificate, in storage and in `seats`, and removes who was away too often.
    function _countAbsences(Seat[] memory seats, uint256 voting, uint256 signing) private {
        uint256 mask = type(uint256).max >> (256 - uint256(_window));
        uint256 seated = 0;
        for (uint256 i = 0; i < seats.length; ++i) {
            seated += seats[i].power;
        }
        for (uint256 i = 0; i < seats.length; ++i) {
            if ((voting >> i) & 1 == 0) continue;
            Seat memory seat = seats[i];
            uint256 absent = (~signing >> i) & 1;
            uint256 absences = ((uint256(seat.absences) << 1) | absent) & mask;
            bool isBeyond = _attend(i, seat, absences, absent != 0);
            if (absent == 0) continue;
            if (absences & (2 * PASSED_OVER + 1) == PASSED_OVER) {
                emit ValidatorAbsent(seat.account, _countBits(absences));
            }
            if (isBeyond && seat.absentFor >= _absentSeconds && _sendAway(seat, seated)) seated -= seat.power;
        }
    }

    /// @dev Notes what a seat has missed and for how long, in storage and in `seat`; the window is the new one.
    /// Returns whether it has missed too many. What a seat does that is always there, or always away and cannot be
    /// removed, changes nothing and is not written.
    function _attend(uint256 index, Seat memory seat, uint256 absences, bool isAbsent) private returns (bool isBeyond) {
        uint256 missedAt = seat.missedAt;
        uint256 absentFor = seat.absentFor;
        // Without a new absence nobody comes to be beyond.
        if (isAbsent || missedAt != 0) isBeyond = _countBits(absences) > _missedMax;
        if (!isBeyond) {
            (missedAt, absentFor) = (0, 0);
        } else if (isAbsent && (missedAt == 0 || absentFor < _absentSeconds)) {
            if (missedAt != 0) absentFor += _secondsSince(missedAt);
            if (absentFor > _absentSeconds) absentFor = _absentSeconds;
            missedAt = block.timestamp;
        }
        if (absences == seat.absences && missedAt == seat.missedAt && absentFor == seat.absentFor) return isBeyond;
        // A window has at most 128 bits; the time of a block fits for 34,000 years; the rule is as short as `absentFor`.
        // forge-lint: disable-next-line(unsafe-typecast)
        (seat.absences, seat.missedAt, seat.absentFor) = (uint128(absences), uint40(missedAt), uint24(absentFor));
        Seat storage kept = _seats[index];
        kept.absences = seat.absences;
        kept.missedAt = seat.missedAt;
        kept.absentFor = seat.absentFor;
    }

    /// @dev The time of this block less an earlier one's, as far as it counts.
    function _secondsSince(uint256 missedAt) private view returns (uint256 step) {
        if (block.timestamp <= missedAt) return 0;
        step = block.timestamp - missedAt;
        uint256 stepMax = (uint256(_absentSeconds) + ABSENT_STEPS_MIN - 1) / ABSENT_STEPS_MIN;
        if (step > stepMax) step = stepMax;
    }

    /// @dev Removes for absence, unless a third of the power would then be away.
    function _sendAway(Seat memory seat, uint256 seated) private returns (bool) {
        Record storage record = _records[seat.account];
        if (record.standing != Standing.Active) return false;
        uint256 away = _awayPower;
        if ((away + seat.power) * 3 >= seated + away) return false;
        _remove(seat.account, Standing.Absent, uint64(block.number));
        _setAwayPower(record, seat.power);
        return true;
    }

    /// @dev Gives the seats to those who are chosen; who had one already keeps its absences.
    function _fillSeats(Seat[] memory old, uint64 votesFrom) private {
        uint256[] memory chosen = _choose();
        if (chosen.length == 0) {
            for (uint256 i = 0; i < old.length; ++i) {
                if (!old[i].isKept) _seats[i].isKept = true;
            }
            return;
        }
        _isChanged = false;
        _sort(chosen);
        uint256 next = 0;
        for (uint256 i = 0; i < chosen.length; ++i) {
            address account = address(uint160(chosen[i] >> 64));
            // The lower 64 bits are the power.
            // forge-lint: disable-next-line(unsafe-typecast)
            uint64 power = uint64(chosen[i]);
            Seat memory seat = Seat({
                account: account,
                power: power,
                isKept: false,
                absences: 0,
                votesFrom: votesFrom,
                missedAt: 0,
                absentFor: 0
            });
            while (next < old.length && old[next].account < account) ++next;
            if (next < old.length && old[next].account == account) {
                seat.absences = old[next].absences;
                seat.votesFrom = old[next].votesFrom;
                seat.missedAt = old[next].missedAt;
                seat.absentFor = old[next].absentFor;
            }
            if (i < old.length) _seats[i] = seat;
            else _seats.push(seat);
        }
        for (uint256 i = chosen.length; i < old.length; ++i) {
            _seats.pop();
        }
    }

    /// @dev Checks the signatures, files the case and removes the accused.
    function _accuse(Filed memory filed, bytes32[2] memory digests, bytes[2] calldata signatures) private {
        if (filed.blocks[0] == filed.blocks[1]) revert InvalidEvidence("blocks");
        _requireFresh(filed.height);
        address accused = _recover(filed, 0, digests[0], signatures[0]);
        address second = _recover(filed, 1, digests[1], signatures[1]);
        if (accused != second) revert TwoSigners(accused, second);
        Record storage record = _records[accused];
        if (record.standing == Standing.None) revert NotValidator(accused);

        bytes32 offence = keccak256(abi.encode(accused, filed.height, filed.round, filed.kind));
        if (_proven[offence] != 0) revert AlreadyProven(_proven[offence] - 1);
        filed.accused = accused;
        filed.accuser = msg.sender;
        filed.acceptedIn = uint64(block.number);
        _docket.push(filed);
        _proven[offence] = _docket.length;
        emit EquivocationProven(_docket.length - 1, accused, msg.sender, filed.kind, filed.height, filed.round);

        if (record.standing == Standing.Active) _remove(accused, Standing.Equivocated, uint64(block.number) + 1);
        else if (record.standing != Standing.Equivocated) _setStanding(accused, Standing.Equivocated);
        _slash(accused, filed.height);
    }

    /// @dev Who signed; low `s` only, and 27 or 28 for `v`.
    function _recover(Filed memory filed, uint256 which, bytes32 digest, bytes calldata signature)
        private
        pure
        returns (address signer)
    {
        if (signature.length != 65) revert InvalidEvidence("signature");
        (filed.v[which], filed.r[which], filed.s[which]) = ECDSA.parseCalldata(signature);
        ECDSA.RecoverError problem;
        (signer, problem,) = ECDSA.tryRecover(digest, filed.v[which], filed.r[which], filed.s[which]);
        if (problem != ECDSA.RecoverError.NoError) revert InvalidEvidence("signature");
    }

    function _digest(bytes32 content) private view returns (bytes32) {
        bytes32 domain = _domain;
        if (domain == 0) revert NoDomain();
        return keccak256(abi.encodePacked(hex"1901", domain, content));
    }

    function _setAwayPower(Record storage record, uint64 power) private {
        uint64 before = record.awayPower;
        if (power == before) return;
        _awayPower = _awayPower - before + power;
        record.awayPower = power;
    }

    /// @dev Sorts in place, ascending. What comes nearly sorted, as seats do, is done in one pass.
    function _sort(uint256[] memory list) internal pure {
        for (uint256 i = 1; i < list.length; ++i) {
            uint256 moving = list[i];
            uint256 to = i;
            while (to != 0 && list[to - 1] > moving) {
                list[to] = list[to - 1];
                --to;
            }
            list[to] = moving;
        }
    }

    function _countBits(uint256 bits) private pure returns (uint256 count) {
        while (bits != 0) {
            bits &= bits - 1;
            ++count;
        }
    }
}
