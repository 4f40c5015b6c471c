// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IUpgrades} from "../src/interfaces/IUpgrades.sol";

/// @title A contract that agrees to be replaced.
contract Willing {
    uint256 public count;

    constructor(IUpgrades upgrades) {
        upgrades.enlist();
    }

    function increment() external {
        ++count;
    }
}

/// @title What comes after it, with a method and a variable more.
contract Next {
    /// @dev The caller of system calls (EIP-4788 and after).
    address private constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;

    error NotSystem();

    uint256 public count;
    uint256 public edition;
    address public immutable maker;

    constructor(address maker_) {
        maker = maker_;
    }

    function increment() external {
        count += 2;
    }

    function migrate(uint256 edition_) external {
        if (msg.sender != SYSTEM) revert NotSystem();
        edition = edition_;
    }
}

/// @title One that, once it is there, tries to go further than it was allowed.
contract Grasping {
    /// @dev Returns what each attempt was refused with.
    function grasp(IUpgrades upgrades, address target, address source)
        external
        returns (bytes4 scheduled, bytes4 cancelled, bytes4 settled)
    {
        try upgrades.schedule(target, target.codehash, source, source.codehash, 0, "") {}
        catch (bytes memory why) {
            scheduled = bytes4(why);
        }
        try upgrades.cancel(1) {}
        catch (bytes memory why) {
            cancelled = bytes4(why);
        }
        try upgrades.settle(1, 0, IUpgrades.Failure.None, "") {}
        catch (bytes memory why) {
            settled = bytes4(why);
        }
    }
}
