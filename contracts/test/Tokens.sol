// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title A currency like ours as far as the escrow sees, to be given bad habits below.
abstract contract LooseCurrency is ERC20Permit {
    constructor(string memory name, string memory code) ERC20(name, code) ERC20Permit(name) {}

    function issue(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @title A currency whose issuer can refuse to pay somebody, as many issuers of money on chains can.
contract BlockingCurrency is LooseCurrency {
    error Blocked(address account);

    mapping(address account => bool) public isBlocked;

    constructor(string memory name, string memory code) LooseCurrency(name, code) {}

    function setBlocked(address account, bool blocked) external {
        isBlocked[account] = blocked;
    }

    function _update(address from, address to, uint256 amount) internal virtual override {
        if (isBlocked[to]) revert Blocked(to);
        super._update(from, to, amount);
    }
}

/// @title A currency that keeps one unit of every transfer.
contract FeeCurrency is LooseCurrency {
    constructor() LooseCurrency("Fee franc", "CHF") {}

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(0), 1);
    }
}

/// @title What a party may do when money comes to it or goes from it.
interface IMoneyListener {
    function onMoney() external;
}

/// @title A currency that calls sender and recipient when it moves, and the owner when it takes a permit.
contract CallingCurrency is BlockingCurrency {
    constructor() BlockingCurrency("Calling crown", "SEK") {}

    function permit(address owner, address spender, uint256 value, uint256, uint8, bytes32, bytes32) public override {
        _approve(owner, spender, value);
        if (owner.code.length != 0) IMoneyListener(owner).onMoney();
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from.code.length != 0) _call(from);
        if (to.code.length != 0) _call(to);
    }

    function _call(address listener) private {
        // The escrow does not listen; whoever does sees to its own failures.
        (bool success,) = listener.call(abi.encodeCall(IMoneyListener.onMoney, ()));
        success;
    }
}

/// @title A token that returns nothing from its transfers, as some old ones do.
contract SilentToken {
    mapping(address account => uint256) public balanceOf;
    mapping(address account => mapping(address spender => uint256)) public allowance;

    function issue(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @title A token that says false instead of reverting, and can be told to.
contract RefusingToken is ERC20 {
    bool public refuses;

    constructor() ERC20("Refusing real", "BRL") {}

    function issue(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function setRefuses(bool value) external {
        refuses = value;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return refuses ? false : super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return refuses ? false : super.transferFrom(from, to, amount);
    }
}
