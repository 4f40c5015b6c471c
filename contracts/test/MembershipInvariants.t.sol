// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Base} from "./Base.sol";
import {Enrollers} from "./Enrollers.sol";

/// @title What must hold whoever is taken in, enrolled, moved and removed, in whatever order.
contract MembershipInvariantsTest is Base {
    Enrollers private enrollers;

    function setUp() public {
        enrollers = new Enrollers();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(enrollers);
    }

    /// forge-config: default.invariant.runs = 24
    function invariant_TheBooksAgree() public {
        enrollers.check();
    }

    /// The invariant is worth something only if everything happens. On these walks it does.
    function test_TheEnrollersDoEverything() public {
        uint256[7] memory successes;
        uint256[7] memory refusals;
        uint256 lateAdmins = 0;
        uint256 movers = 0;
        for (uint256 walk = 0; walk < 6; ++walk) {
            enrollers = new Enrollers();
            for (uint256 step = 0; step < 150; ++step) {
                walkOn(uint256(keccak256(abi.encode(walk, step))));
                if (step % 10 == 0) enrollers.check();
            }
            for (uint256 i = 0; i < 7; ++i) {
                successes[i] += enrollers.successes(i);
                refusals[i] += enrollers.refusals(i);
            }
            lateAdmins += enrollers.lateAdmins();
            movers += enrollers.movers();
        }
        string[7] memory names = ["admit", "set roles", "remove", "appoint", "enroll", "revoke", "wait"];
        for (uint256 i = 0; i < 7; ++i) {
            assertGe(successes[i], 5, string.concat("went well: ", names[i]));
            assertGe(refusals[i], i == 6 ? 0 : 5, string.concat("was refused: ", names[i]));
        }
        assertGe(lateAdmins, 3, "admins whose time was over");
        assertGe(movers, 1, "accounts that moved");
    }

    function walkOn(uint256 seed) private {
        uint256 a = uint256(keccak256(abi.encode(seed, "a")));
        uint256 b = uint256(keccak256(abi.encode(seed, "b")));
        uint256 c = uint256(keccak256(abi.encode(seed, "c")));
        uint256 d = uint256(keccak256(abi.encode(seed, "d")));
        uint256 what = seed % 16;
        if (what < 3) enrollers.admit(a, b, c);
        else if (what == 3) enrollers.setRoles(a, c);
        else if (what == 4) enrollers.remove(a);
        else if (what == 5) enrollers.appoint(a, b);
        else if (what < 12) enrollers.enroll(a, b, c, d);
        else if (what < 15) enrollers.revoke(a, b);
        else enrollers.wait(a);
    }
}
