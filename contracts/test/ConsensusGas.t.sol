// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IStaking} from "../src/interfaces/IStaking.sol";
import {IValidators} from "../src/interfaces/IValidators.sol";
import {vm} from "./Base.sol";
import {Consensus} from "./Consensus.sol";

/// @title What the ledger's own call at the start of a block costs, and what people pay for theirs.
/// @dev Run with `npm run gas`, which compares with snapshots/ConsensusGasTest.json.
contract ConsensusGasTest is Consensus {
    function setUp() public {
        vm.deal(address(this), 1e30);
    }

    function test_GasOfRegistryBlocks() public {
        uint256[2] memory sizes = [uint256(4), 64];
        for (uint256 i = 0; i < 2; ++i) {
            newRegistry(sizes[i]);
            measureBlocks(i == 0 ? "registry, 4" : "registry, 64");
        }
    }

    function test_GasOfStakingBlocks() public {
        uint256[2] memory sizes = [uint256(4), 64];
        for (uint256 i = 0; i < 2; ++i) {
            newStaking(sizes[i], 100 ether, 1000 ether);
            measureBlocks(i == 0 ? "staking, 4" : "staking, 64");
        }
    }

    function test_GasOfRegistryAccusation() public {
        newRegistry(4);
        begin(3);
        convict(nameOf(2), 2);
        vm.snapshotGasLastCall("registry: accuse");
    }

    function test_GasOfStakingCalls() public {
        IStaking staking = newStaking(4, 100 ether, 1000 ether);
        begin(3);
        staking.delegate{value: 10 ether}(accountOf(1));
        vm.snapshotGasLastCall("staking: delegate");
        begin(3);
        staking.claim(accountOf(1));
        vm.snapshotGasLastCall("staking: claim");
        staking.unbond(accountOf(1), 5 ether);
        vm.snapshotGasLastCall("staking: unbond");
        begin(UNBONDING_BLOCKS + 2);
        staking.withdraw();
        vm.snapshotGasLastCall("staking: withdraw");
        convict(nameOf(2), uint64(height));
        vm.snapshotGasLastCall("staking: accuse");
    }

    receive() external payable {}

    /// @dev A block that everybody signed, one that a quarter did not, and one after which the seats change.
    function measureBlocks(string memory name) private {
        height = 0;
        delete voting;
        begin(4);
        vm.snapshotGasLastCall(string.concat("block, ", name));
        address[] memory absent = new address[](voting.length / 4);
        for (uint256 i = 0; i < absent.length; ++i) {
            absent[i] = voting[i * 4];
        }
        beginWithout(absent);
        vm.snapshotGasLastCall(string.concat("block, ", name, ", a quarter absent"));
        convict(nameOf(2), uint64(height));
        begin();
        vm.snapshotGasLastCall(string.concat("block, ", name, ", one removed"));
    }
}
