// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Base, vm} from "./Base.sol";
import {Stakers} from "./Stakers.sol";

/// @title What must hold whatever people stake, claim and sign, in whatever order.
contract StakingInvariantsTest is Base {
    /// @dev What forge may call at random.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Stakers private stakers;

    function setUp() public {
        vm.deal(address(this), 1e30);
        stakers = new Stakers{value: 100_000}();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(stakers);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        // An entry that stands there more often is called more often.
        bytes4[] memory selectors = new bytes4[](16);
        for (uint256 i = 0; i < 7; ++i) {
            selectors[i] = Stakers.beginBlock.selector;
        }
        selectors[7] = Stakers.stake.selector;
        selectors[8] = Stakers.unbond.selector;
        selectors[9] = Stakers.withdraw.selector;
        selectors[10] = Stakers.claim.selector;
        selectors[11] = Stakers.accuse.selector;
        selectors[12] = Stakers.enlist.selector;
        selectors[13] = Stakers.unjail.selector;
        selectors[14] = Stakers.announce.selector;
        selectors[15] = Stakers.give.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(stakers), selectors);
    }

    /// forge-config: default.invariant.runs = 16
    function invariant_TheBooksAgree() public view {
        stakers.check();
    }

    /// The invariant is worth something only if the stakers do everything. On these walks they do.
    function test_TheStakersDoEverything() public {
        uint256[10] memory successes;
        uint256[10] memory refusals;
        uint256[5] memory rarities;
        for (uint256 walk = 0; walk < 12; ++walk) {
            stakers = new Stakers{value: 100_000}();
            for (uint256 step = 0; step < 250; ++step) {
                walkOn(uint256(keccak256(abi.encode(walk, step))));
                if (step % 50 == 0) stakers.check();
            }
            stakers.check();
            for (uint256 i = 0; i < 10; ++i) {
                successes[i] += stakers.successes(i);
                refusals[i] += stakers.refusals(i);
            }
            rarities[0] += stakers.slashes();
            rarities[1] += stakers.lateSlashes();
            rarities[2] += stakers.removals();
            rarities[3] += stakers.spared();
            rarities[4] += stakers.keptBlocks();
        }
        string[10] memory calls =
            ["block", "stake", "unbond", "withdraw", "claim", "accuse", "enlist", "unjail", "announce", "give"];
        string[5] memory what =
            ["a slash", "a slash of what was leaving", "a removal", "one spared removal", "a block without candidates"];
        for (uint256 i = 0; i < 10; ++i) {
            assertGe(successes[i], 3, string.concat("went well: ", calls[i]));
            assertGe(refusals[i], i == 0 ? 0 : 3, string.concat("was refused: ", calls[i]));
        }
        for (uint256 i = 0; i < 5; ++i) {
            assertGe(rarities[i], 2, string.concat("was seen: ", what[i]));
        }
    }

    function walkOn(uint256 seed) private {
        uint256 a = uint256(keccak256(abi.encode(seed, "a")));
        uint256 b = uint256(keccak256(abi.encode(seed, "b")));
        uint256 c = uint256(keccak256(abi.encode(seed, "c")));
        uint256 what = seed % 16;
        if (what < 7) stakers.beginBlock(a, b);
        else if (what == 7) stakers.stake(a, b, c);
        else if (what == 8) stakers.unbond(a, b, c);
        else if (what == 9) stakers.withdraw(a);
        else if (what == 10) stakers.claim(a, b);
        else if (what == 11) stakers.accuse(a, b);
        else if (what == 12) stakers.enlist(a, b);
        else if (what == 13) stakers.unjail(a);
        else if (what == 14) stakers.announce(a, b);
        else stakers.give(a, b);
    }
}
