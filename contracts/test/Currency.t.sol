// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

import {ICurrency} from "../src/interfaces/ICurrency.sol";
import {IEscrow} from "../src/interfaces/IEscrow.sol";
import {vm} from "./Base.sol";
import {Market} from "./Market.sol";

contract CurrencyTest is Market {
    function test_SaysWhatItIs() public view {
        assertEq(pounds.name(), "Pound sterling", "name");
        assertEq(pounds.symbol(), "GBP", "code");
        assertEq(pounds.decimals(), 2, "decimals");
        assertEq(pounds.issuer(), bank, "issuer");
    }

    function test_TakesEveryMinorUnitOfIso4217() public {
        for (uint8 decimals = 0; decimals <= 4; ++decimals) {
            assertEq(newCurrency("Any", "ANY", decimals, bank).decimals(), decimals, "decimals");
        }
        vm.expectRevert(abi.encodeWithSelector(ICurrency.InvalidDecimals.selector, 5));
        newCurrency("Any", "ANY", 5, bank);
    }

    function test_NeedsAnIssuer() public {
        vm.expectRevert(ICurrency.InvalidIssuer.selector);
        newCurrency("Any", "ANY", 2, address(0));
    }

    function test_NeedsACodeOfThreeLetters() public {
        string[8] memory wrong = ["", "GB", "GBPP", "gbp", "GbP", "G1P", "GB ", unicode"£"];
        for (uint256 i = 0; i < wrong.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ICurrency.InvalidCode.selector, wrong[i]));
            newCurrency("Any", wrong[i], 2, bank);
        }
        assertEq(newCurrency("Any", "AAZ", 2, bank).symbol(), "AAZ", "the first and the last letter");
    }

    function testFuzz_CodeIsThreeUpperCaseLetters(bytes3 code) public {
        bool valid = true;
        for (uint256 i = 0; i < 3; ++i) {
            valid = valid && uint8(code[i]) >= 65 && uint8(code[i]) <= 90;
        }
        if (!valid) vm.expectRevert();
        newCurrency("Any", string(abi.encodePacked(code)), 2, bank);
    }

    function test_OnlyTheIssuerIssues() public {
        uint256 supply = pounds.totalSupply();
        vm.expectEmit(address(pounds));
        emit IERC20.Transfer(address(0), stranger, 7);
        vm.prank(bank);
        pounds.issue(stranger, 7);
        assertEq(pounds.balanceOf(stranger), 7, "balance");
        assertEq(pounds.totalSupply(), supply + 7, "supply");

        vm.expectRevert(abi.encodeWithSelector(ICurrency.NotIssuer.selector, shopper));
        vm.prank(shopper);
        pounds.issue(shopper, 1);
    }

    function test_EverybodyRedeemsTheirOwn() public {
        uint256 supply = pounds.totalSupply();
        uint256 balance = pounds.balanceOf(merchant);
        vm.expectEmit(address(pounds));
        emit IERC20.Transfer(merchant, address(0), 30);
        vm.prank(merchant);
        pounds.redeem(30);
        assertEq(pounds.balanceOf(merchant), balance - 30, "balance");
        assertEq(pounds.totalSupply(), supply - 30, "supply");

        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, stranger, 0, 1));
        vm.prank(stranger);
        pounds.redeem(1);
    }

    function test_PermitGivesAnAllowanceOnce() public {
        vm.prank(shopper);
        pounds.approve(address(escrow), 0);
        IEscrow.Permit memory given = permitFor(shopperKey, pounds, 12, block.timestamp);
        pounds.permit(shopper, address(escrow), given.value, given.deadline, given.v, given.r, given.s);
        assertEq(pounds.allowance(shopper, address(escrow)), 12, "allowance");
        assertEq(pounds.nonces(shopper), 1, "nonce");

        vm.expectRevert();
        pounds.permit(shopper, address(escrow), given.value, given.deadline, given.v, given.r, given.s);
    }

    function test_PermitRunsOut() public {
        IEscrow.Permit memory given = permitFor(shopperKey, pounds, 12, block.timestamp - 1);
        vm.expectRevert(abi.encodeWithSelector(ERC20Permit.ERC2612ExpiredSignature.selector, given.deadline));
        pounds.permit(shopper, address(escrow), given.value, given.deadline, given.v, given.r, given.s);
    }
}
