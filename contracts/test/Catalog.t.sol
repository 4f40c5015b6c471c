// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IAnchors} from "../src/interfaces/IAnchors.sol";
import {IDataCatalog} from "../src/interfaces/IDataCatalog.sol";
import {IMembers} from "../src/interfaces/IMembers.sol";
import {vm} from "./Base.sol";
import {Consortium} from "./Consortium.sol";

/// @title Heads of logs.
contract AnchorsTest is Consortium {
    IAnchors private anchors;

    function setUp() public {
        found();
        anchors = IAnchors(deploy("Anchors", ""));
    }

    function test_LogsOnlyGrow() public {
        assertEq(anchors.lastAnchor(bankAdmin).entries, 0, "none");
        vm.startPrank(bankAdmin);
        vm.expectRevert(IAnchors.InvalidAnchor.selector);
        anchors.anchor(0, 1);
        vm.expectRevert(IAnchors.InvalidAnchor.selector);
        anchors.anchor("head", 0);
        vm.expectEmit(address(anchors));
        emit IAnchors.Anchored(bankAdmin, 0, "head", 3);
        anchors.anchor("head", 3);
        vm.expectRevert(abi.encodeWithSelector(IAnchors.NotMore.selector, 3, 3));
        anchors.anchor("other head", 3);
        vm.expectRevert(abi.encodeWithSelector(IAnchors.NotMore.selector, 2, 3));
        anchors.anchor("other head", 2);
        vm.roll(150);
        assertEq(anchors.anchor("next head", type(uint64).max), 1, "index");
        vm.stopPrank();
        assertEq(anchors.anchorCount(bankAdmin), 2, "count");
        assertEq(anchors.anchorAt(bankAdmin, 0).head, "head", "first");
        IAnchors.Anchor memory last = anchors.lastAnchor(bankAdmin);
        assertTrue(last.head == "next head" && last.anchoredIn == 150 && last.anchoredAt == NOW, "last");
        vm.expectRevert(abi.encodeWithSelector(IAnchors.UnknownAnchor.selector, bankAdmin, 2));
        anchors.anchorAt(bankAdmin, 2);
        // Another one's log is another log.
        vm.prank(stranger);
        anchors.anchor("head", 1);
        assertEq(anchors.anchorCount(bankAdmin), 2, "count still");
    }

    function testFuzz_EntriesGrow(uint64[8] calldata entries) public {
        uint64 most = 0;
        for (uint256 i = 0; i < 8; ++i) {
            try anchors.anchor(bytes32(i + 1), entries[i]) {
                assertTrue(entries[i] > most, "grown");
                most = entries[i];
            } catch {
                assertTrue(entries[i] <= most, "not grown");
            }
            assertEq(anchors.lastAnchor(address(this)).entries, most, "last");
        }
    }
}

/// @title The catalog of the data that the network keeps.
contract DataCatalogTest is Consortium {
    IDataCatalog private catalog;

    function setUp() public {
        found();
        catalog = IDataCatalog(deploy("DataCatalog", abi.encode(members)));
    }

    function test_AnEntryAndItsHistory() public {
        assertEq(catalog.members(), address(members), "members");
        IDataCatalog.Terms memory given = terms();
        vm.expectEmit(address(catalog));
        emit IDataCatalog.EntryRegistered(SHOP, "addresses", shopAdmin, given);
        vm.prank(shopAdmin);
        catalog.register("addresses", given);
        given.retentionDays = 30;
        delete given.contracts;
        vm.roll(150);
        vm.expectEmit(address(catalog));
        emit IDataCatalog.EntryChanged(SHOP, "addresses", shopAdmin, 2, given);
        vm.prank(shopAdmin);
        catalog.change("addresses", given);
        IDataCatalog.Entry memory entry = catalog.entry(SHOP, "addresses");
        assertTrue(entry.revision == 2 && entry.registeredIn == 100 && entry.changedIn == 150, "revision");
        assertEq(keccak256(abi.encode(entry.terms)), keccak256(abi.encode(given)), "terms");
        vm.expectEmit(address(catalog));
        emit IDataCatalog.EntryRetired(SHOP, "addresses", shopAdmin);
        vm.prank(shopAdmin);
        catalog.retire(SHOP, "addresses");
        bytes memory refusal = abi.encodeWithSelector(IDataCatalog.EntryIsRetired.selector, SHOP, bytes32("addresses"));
        vm.startPrank(shopAdmin);
        vm.expectRevert(refusal);
        catalog.change("addresses", given);
        vm.expectRevert(refusal);
        catalog.retire(SHOP, "addresses");
        vm.expectRevert(abi.encodeWithSelector(IDataCatalog.EntryExists.selector, SHOP, bytes32("addresses")));
        catalog.register("addresses", given);
        vm.stopPrank();
        // An id is the organization's own.
        vm.prank(bankAdmin);
        catalog.register("addresses", given);
        assertEq(catalog.entryCount(), 2, "entries");
        assertEq(catalog.entries(1, 5)[0].owner, BANK, "page");
        assertEq(catalog.entries(0, 1).length, 1, "short page");
        assertEq(catalog.entries(2, 5).length, 0, "beyond");
    }

    function test_WhoMay() public {
        vm.prank(shopAdmin);
        catalog.register("addresses", terms());
        address clerk = enroll(shopAdmin, "clerk", MERCHANT, 0);
        address[3] memory others = [clerk, stranger, address(policies)];
        for (uint256 i = 0; i < 3; ++i) {
            vm.startPrank(others[i]);
            bytes memory refusal = abi.encodeWithSelector(IDataCatalog.NotAdmin.selector, others[i]);
            vm.expectRevert(refusal);
            catalog.register("other", terms());
            vm.expectRevert(refusal);
            catalog.change("addresses", terms());
            if (i < 2) {
                vm.expectRevert(refusal);
                catalog.retire(SHOP, "addresses");
            }
            vm.stopPrank();
        }
        vm.startPrank(bankAdmin);
        vm.expectRevert(abi.encodeWithSelector(IDataCatalog.NotAdmin.selector, bankAdmin));
        catalog.retire(SHOP, "addresses");
        vm.expectRevert(abi.encodeWithSelector(IDataCatalog.UnknownEntry.selector, BANK, bytes32("addresses")));
        catalog.change("addresses", terms());
        vm.expectRevert(abi.encodeWithSelector(IDataCatalog.UnknownEntry.selector, BANK, bytes32("addresses")));
        catalog.entry(BANK, "addresses");
        vm.stopPrank();
        // Of an organization that is gone the network retires it.
        decide(address(members), abi.encodeCall(IMembers.remove, (SHOP)));
        vm.prank(address(policies));
        catalog.retire(SHOP, "addresses");
        assertTrue(catalog.entry(SHOP, "addresses").retiredIn != 0, "retired");
    }

    function test_ARuleIsTheNetworksDecision() public {
        IDataCatalog.Terms memory given = onChain(90);
        vm.startPrank(shopAdmin);
        catalog.register("orders", given);
        vm.expectRevert(abi.encodeWithSelector(IDataCatalog.NotGovernor.selector, shopAdmin));
        catalog.adopt(SHOP, "orders", 1);
        vm.expectRevert(abi.encodeWithSelector(IDataCatalog.NotGovernor.selector, shopAdmin));
        catalog.lift(SHOP, "orders");
        vm.stopPrank();
        assertEq(catalog.rules().length, 0, "what one says is no rule");
        decide(address(catalog), abi.encodeCall(IDataCatalog.adopt, (SHOP, "orders", 1)));
        IDataCatalog.Rule[] memory rules = catalog.rules();
        assertTrue(rules.length == 1 && rules[0].owner == SHOP && rules[0].id == "orders", "rule");
        assertTrue(rules[0].revision == 1 && rules[0].retentionDays == 90, "what it says");
        assertTrue(rules[0].adoptedIn == block.number, "when");
        assertTrue(rules[0].contracts.length == 1 && rules[0].contracts[0] == address(this), "of what");
        // Its owner cannot change it, and neither change nor end of the entry does.
        given.retentionDays = 1;
        given.contracts = new address[](2);
        given.contracts[1] = address(7);
        vm.prank(shopAdmin);
        catalog.change("orders", given);
        assertTrue(catalog.rules()[0].retentionDays == 90 && catalog.rules()[0].contracts.length == 1, "as it was");
        vm.startPrank(address(policies));
        vm.expectRevert(abi.encodeWithSelector(IDataCatalog.OtherRevision.selector, SHOP, bytes32("orders"), 2));
        catalog.adopt(SHOP, "orders", 1);
        vm.expectEmit(address(catalog));
        emit IDataCatalog.RuleAdopted(SHOP, "orders", 2, 1, given.contracts);
        catalog.adopt(SHOP, "orders", 2);
        vm.stopPrank();
        assertTrue(catalog.rules().length == 1 && catalog.rules()[0].retentionDays == 1, "replaced");
        assertEq(catalog.rules()[0].contracts[1], address(7), "both contracts");
        vm.prank(shopAdmin);
        catalog.retire(SHOP, "orders");
        assertEq(catalog.rules().length, 1, "what was gathered still has to go");
    }

    function test_RulesAreLifted() public {
        vm.startPrank(shopAdmin);
        catalog.register("orders", onChain(90));
        catalog.register("offers", onChain(30));
        catalog.register("prices", onChain(7));
        vm.startPrank(address(policies));
        catalog.adopt(SHOP, "orders", 1);
        catalog.adopt(SHOP, "offers", 1);
        catalog.adopt(SHOP, "prices", 1);
        vm.expectEmit(address(catalog));
        emit IDataCatalog.RuleLifted(SHOP, "orders");
        catalog.lift(SHOP, "orders");
        vm.expectRevert(abi.encodeWithSelector(IDataCatalog.UnknownRule.selector, SHOP, bytes32("orders")));
        catalog.lift(SHOP, "orders");
        IDataCatalog.Rule[] memory rules = catalog.rules();
        assertTrue(rules.length == 2 && rules[0].id == "prices" && rules[1].id == "offers", "the others stay");
        catalog.lift(SHOP, "offers");
        catalog.lift(SHOP, "prices");
        assertEq(catalog.rules().length, 0, "none");
        catalog.adopt(SHOP, "orders", 1);
        assertEq(catalog.rules()[0].id, "orders", "again");
        vm.stopPrank();
    }

    function test_NothingToMakeARuleOf() public {
        IDataCatalog.Terms[4] memory useless = [terms(), onChain(0), onChain(90), onChain(90)];
        useless[2].where = IDataCatalog.Place.OffChain;
        delete useless[3].contracts;
        bytes32[4] memory ids = [bytes32("a"), "b", "c", "d"];
        for (uint256 i = 0; i < 4; ++i) {
            vm.prank(shopAdmin);
            catalog.register(ids[i], useless[i]);
            vm.prank(address(policies));
            vm.expectRevert(abi.encodeWithSelector(IDataCatalog.NothingToDrop.selector, SHOP, ids[i]));
            catalog.adopt(SHOP, ids[i], 1);
        }
        vm.prank(address(policies));
        vm.expectRevert(abi.encodeWithSelector(IDataCatalog.UnknownEntry.selector, BANK, bytes32("a")));
        catalog.adopt(BANK, "a", 1);
    }

    function test_RulesAreBounded() public {
        uint256 most = 64;
        for (uint256 i = 0; i <= most; ++i) {
            bytes32 id = bytes32(abi.encodePacked("r", bytes1(uint8(48 + i / 10)), bytes1(uint8(48 + i % 10))));
            vm.prank(shopAdmin);
            catalog.register(id, onChain(uint32(i + 1)));
            vm.prank(address(policies));
            if (i == most) vm.expectRevert(IDataCatalog.TooManyRules.selector);
            catalog.adopt(SHOP, id, 1);
        }
        assertEq(catalog.rules().length, most, "rules");
    }

    function onChain(uint32 retentionDays) private view returns (IDataCatalog.Terms memory given) {
        given = terms();
        given.where = IDataCatalog.Place.Chain;
        given.retentionDays = retentionDays;
        delete given.collections;
    }

    function test_EntriesWithoutSense() public {
        vm.startPrank(shopAdmin);
        vm.expectRevert(abi.encodeWithSelector(IDataCatalog.InvalidEntry.selector, "id"));
        catalog.register("no id", terms());
        IDataCatalog.Terms memory given = terms();
        given.name = "";
        refuse(given, "name");
        given = terms();
        given.purpose = string(new bytes(513));
        refuse(given, "purpose");
        given = terms();
        given.legalBasis = "";
        refuse(given, "legalBasis");
        given = terms();
        given.contracts = new address[](33);
        refuse(given, "contracts");
        given = terms();
        given.collections = new string[](33);
        refuse(given, "collections");
        given.collections = new string[](1);
        refuse(given, "collections");
        vm.stopPrank();
    }

    function refuse(IDataCatalog.Terms memory given, string memory field) private {
        vm.expectRevert(abi.encodeWithSelector(IDataCatalog.InvalidEntry.selector, field));
        catalog.register("addresses", given);
    }

    function terms() private view returns (IDataCatalog.Terms memory given) {
        given.name = "Addresses";
        given.purpose = "To deliver parcels";
        given.legalBasis = "GDPR Art. 6(1)(b)";
        given.where = IDataCatalog.Place.Private;
        given.isPersonal = true;
        given.retentionDays = 90;
        given.contracts = new address[](1);
        given.contracts[0] = address(this);
        given.collections = new string[](1);
        given.collections[0] = "deliveries";
    }
}
