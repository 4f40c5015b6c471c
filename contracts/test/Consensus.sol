// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IStaking} from "../src/interfaces/IStaking.sol";
import {IValidatorRegistry} from "../src/interfaces/IValidatorRegistry.sol";
import {IValidators} from "../src/interfaces/IValidators.sol";
import {Base, vm} from "./Base.sol";

/// @title A chain of blocks, as far as the contract that knows the validators sees of it.
abstract contract Consensus is Base {
    address internal constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    /// @dev The order of secp256k1.
    uint256 internal constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    uint8 internal constant PREVOTE = 1;
    uint8 internal constant PRECOMMIT = 2;
    uint8 internal constant PROPOSAL = 3;

    uint8 internal constant WINDOW = 20;
    uint8 internal constant MISSED_MAX = 10;
    uint64 internal constant WAIT_BLOCKS = 30;
    uint64 internal constant MOTION_BLOCKS = 50;
    uint64 internal constant UNBONDING_BLOCKS = 40;

    IValidators internal set;
    bytes32 internal domain = domainOf(1337, "genesis");
    /// @dev The block whose transactions are run now.
    uint256 internal height = 0;
    /// @dev The rule of the sets made from now on; as a rule the count of blocks alone is looked at.
    uint24 internal absentSeconds = 0;
    /// @dev How much later than its parent a block is, and the time of the one under way.
    uint256 internal blockSeconds = 1;
    uint256 internal time = 1_000_000;
    /// @dev Who may decide on validators, where somebody may.
    address internal governor;
    /// @dev Who may sign the block under way.
    address[] internal voting;

    /// @dev Deriving an address from a key is the slowest thing here.
    address[130] private _people;

    constructor() {
        for (uint256 i = 0; i < _people.length; ++i) {
            (_people[i],) = person(nameOf(i));
        }
    }

    /// @dev Where the set is made does not matter: not in block 0, as on the scratch chain of a genesis.
    function found(address contract_) internal {
        set = IValidators(contract_);
        vm.roll(height);
    }

    function newRegistry(uint256 count) internal returns (IValidatorRegistry) {
        address[] memory accounts = new address[](count);
        string[] memory names = new string[](count);
        for (uint256 i = 0; i < count; ++i) {
            names[i] = nameOf(i);
            accounts[i] = accountOf(i);
        }
        vm.roll(7);
        bytes memory arguments =
            abi.encode(accounts, names, WINDOW, MISSED_MAX, absentSeconds, WAIT_BLOCKS, MOTION_BLOCKS, governor);
        found(deploy("ValidatorRegistry", arguments));
        return IValidatorRegistry(address(set));
    }

    function rules() internal view virtual returns (IStaking.Rules memory) {
        return IStaking.Rules({
            window: WINDOW,
            missedMax: MISSED_MAX,
            absentSeconds: absentSeconds,
            jailBlocks: WAIT_BLOCKS,
            unbondingBlocks: UNBONDING_BLOCKS,
            commissionBlocks: 25,
            powerUnit: 1 ether,
            selfBondMin: 10 ether,
            rewardPerBlock: 1 ether,
            proposerBps: 1000,
            slashBps: 500
        });
    }

    function newStaking(uint256 count, uint112 bond, uint256 reserve) internal returns (IStaking) {
        IStaking.Founder[] memory founders = new IStaking.Founder[](count);
        for (uint256 i = 0; i < count; ++i) {
            founders[i] = IStaking.Founder({account: accountOf(i), name: nameOf(i), bond: bond, commissionBps: 1000});
        }
        vm.roll(7);
        found(deploy("Staking", abi.encode(founders, rules(), governor), uint256(bond) * count + reserve));
        return IStaking(address(set));
    }

    /// @dev The next block begins; the parent's certificate is signed by these.
    function begin(address proposer, address[] memory signers) internal {
        address[] memory voters = accountsOf(set.validators());
        vm.roll(++height);
        time += blockSeconds;
        vm.warp(time);
        vm.prank(SYSTEM);
        set.onBlock(domain, proposer, 0, signers);
        voting = voters;
    }

    /// @dev The next block begins; everybody but these has signed the parent. Before the first block nobody could.
    function beginWithout(address[] memory absent) internal {
        address[] memory signers = new address[](voting.length);
        uint256 count = 0;
        for (uint256 i = 0; i < voting.length; ++i) {
            if (!contains(absent, voting[i])) signers[count++] = voting[i];
        }
        assembly ("memory-safe") {
            mstore(signers, count)
        }
        begin(proposerOf(height + 1), signers);
    }

    function begin() internal {
        beginWithout(new address[](0));
    }

    function beginWithout(address absent) internal {
        beginWithout(list(absent));
    }

    function begin(uint256 blocks) internal {
        for (uint256 i = 0; i < blocks; ++i) {
            begin();
        }
    }

    function beginWithout(address[] memory absent, uint256 blocks) internal {
        for (uint256 i = 0; i < blocks; ++i) {
            beginWithout(absent);
        }
    }

    function proposerOf(uint256 atHeight) internal view returns (address) {
        IValidators.Validator[] memory voters = set.validators();
        return voters[atHeight % voters.length].account;
    }

    function domainOf(uint256 chainId, bytes32 genesis) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,bytes32 salt)"),
                keccak256("Hanse consensus"),
                keccak256("1"),
                chainId,
                genesis
            )
        );
    }

    function voteDigest(bytes32 domain_, uint8 kind, uint64 atHeight, uint32 round, bytes32 block_)
        internal
        pure
        returns (bytes32)
    {
        bytes32 content = keccak256(
            abi.encode(
                keccak256("Vote(uint8 kind,uint64 height,uint32 round,bytes32 block)"), kind, atHeight, round, block_
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain_, content));
    }

    function proposalDigest(bytes32 domain_, uint64 atHeight, uint32 round, bytes32 block_, int64 validRound)
        internal
        pure
        returns (bytes32)
    {
        bytes32 content = keccak256(
            abi.encode(
                keccak256("Proposal(uint64 height,uint32 round,bytes32 block,int64 validRound)"),
                atHeight,
                round,
                block_,
                validRound
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain_, content));
    }

    function signed(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev Two votes of one key, each under its own block hash.
    function twoVotes(uint256 key, uint8 kind, uint64 atHeight, uint32 round, bytes32[2] memory blocks)
        internal
        view
        returns (bytes[2] memory)
    {
        return [
            signed(key, voteDigest(domain, kind, atHeight, round, blocks[0])),
            signed(key, voteDigest(domain, kind, atHeight, round, blocks[1]))
        ];
    }

    function keyOf(string memory name) internal pure returns (uint256) {
        return uint256(keccak256(bytes(name)));
    }

    /// @dev Somebody has signed two precommits at that height, and is accused.
    function convict(string memory name, uint64 atHeight) internal {
        bytes32[2] memory blocks = [bytes32("one"), "other"];
        set.accuseVotes(PRECOMMIT, atHeight, 0, blocks, twoVotes(keyOf(name), PRECOMMIT, atHeight, 0, blocks));
    }

    /// @dev The validators of a registry vote somebody in.
    function voteIn(address account, string memory name) internal {
        IValidatorRegistry registry = IValidatorRegistry(address(set));
        address[] memory voters = accountsOf(set.validators());
        vm.prank(voters[0]);
        uint256 id = registry.propose(account, name, true);
        for (uint256 i = 1; !registry.motion(id).carried; ++i) {
            vm.prank(voters[i]);
            registry.approve(id);
        }
    }

    function nameOf(uint256 index) internal pure returns (string memory) {
        bytes memory digits = new bytes(2);
        digits[0] = bytes1(uint8(48 + (index / 10) % 10));
        digits[1] = bytes1(uint8(48 + index % 10));
        return string.concat("validator ", index < 100 ? "" : "1", string(digits));
    }

    function accountOf(uint256 index) internal view returns (address) {
        return _people[index];
    }

    function accountsOf(IValidators.Validator[] memory voters) internal pure returns (address[] memory accounts) {
        accounts = new address[](voters.length);
        for (uint256 i = 0; i < voters.length; ++i) {
            accounts[i] = voters[i].account;
        }
    }

    function contains(address[] memory accounts, address account) internal pure returns (bool) {
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (accounts[i] == account) return true;
        }
        return false;
    }

    function votes(address account) internal view returns (bool) {
        return contains(accountsOf(set.validators()), account);
    }

    function proposes(address account) internal view returns (bool) {
        IValidators.Validator[] memory voters = set.validators();
        for (uint256 i = 0; i < voters.length; ++i) {
            if (voters[i].account == account) return voters[i].proposes;
        }
        return false;
    }

    function list(address one) internal pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = one;
    }

    function list(address one, address two) internal pure returns (address[] memory accounts) {
        accounts = new address[](2);
        (accounts[0], accounts[1]) = (one, two);
    }

    function list(address one, address two, address three) internal pure returns (address[] memory accounts) {
        accounts = new address[](3);
        (accounts[0], accounts[1], accounts[2]) = (one, two, three);
    }

    function assertStanding(address account, IValidators.Standing expected) internal view {
        (IValidators.Standing standing,) = set.standing(account);
        assertEq(uint256(standing), uint256(expected), "standing");
    }
}
