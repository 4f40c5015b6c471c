// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @notice The cheatcodes of forge that our tests use.
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function addr(uint256 key) external pure returns (address);
    function assertApproxEqAbs(uint256 left, uint256 right, uint256 delta) external pure;
    function assertEq(address left, address right, string calldata what) external pure;
    function assertEq(bool left, bool right, string calldata what) external pure;
    function assertEq(bytes calldata left, bytes calldata right, string calldata what) external pure;
    function assertEq(bytes32 left, bytes32 right, string calldata what) external pure;
    function assertEq(string calldata left, string calldata right, string calldata what) external pure;
    function assertEq(uint256 left, uint256 right, string calldata what) external pure;
    function assertGe(uint256 left, uint256 right, string calldata what) external pure;
    function assertTrue(bool condition, string calldata what) external pure;
    function chainId(uint256 id) external;
    function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
    function deal(address account, uint256 balance) external;
    function etch(address account, bytes calldata code) external;
    function expectEmit(address emitter) external;
    function expectRevert() external;
    function expectRevert(bytes calldata data) external;
    function expectRevert(bytes4 selector) external;
    function getCode(string calldata artifact) external view returns (bytes memory);
    function getNonce(address account) external view returns (uint64);
    function getRecordedLogs() external returns (Log[] memory);
    function label(address account, string calldata name) external;
    function load(address account, bytes32 slot) external view returns (bytes32);
    function prank(address caller) external;
    function recordLogs() external;
    function revertToState(uint256 id) external returns (bool);
    function roll(uint256 height) external;
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function snapshotGasLastCall(string calldata name) external returns (uint256);
    function snapshotState() external returns (uint256 id);
    function startBroadcast() external;
    function startPrank(address caller) external;
    function stopBroadcast() external;
    function stopPrank() external;
    function store(address account, bytes32 slot, bytes32 content) external;
    function warp(uint256 time) external;
}

/// @dev The address at which forge answers cheatcodes: the last 20 bytes of keccak256("hevm cheat code").
Vm constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

/// @title What every test contract stands on.
/// @dev forge runs the functions of a contract whose name starts with `test` or `invariant`.
abstract contract Base {
    /// @notice Tells forge that this is a test.
    bool public constant IS_TEST = true;

    function assertEq(uint256 left, uint256 right, string memory what) internal pure {
        vm.assertEq(left, right, what);
    }

    function assertEq(address left, address right, string memory what) internal pure {
        vm.assertEq(left, right, what);
    }

    function assertEq(bytes32 left, bytes32 right, string memory what) internal pure {
        vm.assertEq(left, right, what);
    }

    function assertEq(string memory left, string memory right, string memory what) internal pure {
        vm.assertEq(left, right, what);
    }

    function assertEq(bool left, bool right, string memory what) internal pure {
        vm.assertEq(left, right, what);
    }

    function assertEq(bytes memory left, bytes memory right, string memory what) internal pure {
        vm.assertEq(left, right, what);
    }

    function assertTrue(bool condition, string memory what) internal pure {
        vm.assertTrue(condition, what);
    }

    function assertGe(uint256 left, uint256 right, string memory what) internal pure {
        vm.assertGe(left, right, what);
    }

    /// @dev Folds a fuzzed number into a range, both ends included.
    function bound(uint256 given, uint256 least, uint256 most) internal pure returns (uint256) {
        if (given >= least && given <= most) return given;
        // A range of all numbers has been left above, so this does not overflow.
        return least + given % (most - least + 1);
    }

    /// @dev Deploys a contract of `src` as the build made it. Tests know the product by its interfaces only: they
    /// are compiled apart from it, without its slow optimizer, and run the very bytes that are shipped.
    function deploy(string memory name, bytes memory constructorArguments) internal returns (address) {
        return deploy(name, constructorArguments, 0);
    }

    /// @dev The same, paying the constructor.
    function deploy(string memory name, bytes memory constructorArguments, uint256 paid)
        internal
        returns (address deployed)
    {
        bytes memory code = bytes.concat(vm.getCode(string.concat(name, ".sol:", name)), constructorArguments);
        assembly ("memory-safe") {
            deployed := create(paid, add(code, 32), mload(code))
            if iszero(deployed) {
                returndatacopy(code, 0, returndatasize())
                revert(code, returndatasize())
            }
        }
        vm.label(deployed, name);
    }

    /// @dev A person with a key: their address, under a readable name.
    function person(string memory name) internal returns (address account, uint256 key) {
        key = uint256(keccak256(bytes(name)));
        account = vm.addr(key);
        vm.label(account, name);
    }
}
