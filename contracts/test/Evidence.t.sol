// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IStaking} from "../src/interfaces/IStaking.sol";
import {IValidators} from "../src/interfaces/IValidators.sol";
import {vm} from "./Base.sol";
import {Consensus} from "./Consensus.sol";

/// @title The docket: what proves an equivocation, what does not, and what follows.
abstract contract EvidenceTest is Consensus {
    address private accused;
    uint256 private key;
    uint64 private atHeight;
    bytes32[2] private blocks = [bytes32("one"), "other"];
    bytes32[2] private nilAndBlock = [bytes32(0), "other"];
    int64[2] private noRounds = [int64(-1), -1];

    function create(uint256 count) internal virtual;
    function admit(uint256 index) internal virtual;

    function setUp() public {
        vm.deal(address(this), 1e30);
        create(4);
        (accused, key) = person(nameOf(2));
        begin(10);
        atHeight = uint64(height) - 2;
    }

    function test_TwoVotesAreProof() public {
        uint8[2] memory kinds = [PREVOTE, PRECOMMIT];
        for (uint32 i = 0; i < 2; ++i) {
            bytes[2] memory signatures = twoVotes(key, kinds[i], atHeight, i, blocks);
            vm.expectEmit(address(set));
            emit IValidators.EquivocationProven(i, accused, accountOf(0), kinds[i], atHeight, i);
            vm.prank(accountOf(0));
            set.accuseVotes(kinds[i], atHeight, i, blocks, signatures);
            assertFiled(i, kinds[i], i, blocks, [int64(0), 0], signatures);
        }
        assertRemoved();
    }

    function test_ANilVoteAndABlockAreProof() public {
        bytes[2] memory signatures = twoVotes(key, PRECOMMIT, atHeight, 5, nilAndBlock);
        vm.prank(accountOf(0));
        set.accuseVotes(PRECOMMIT, atHeight, 5, nilAndBlock, signatures);
        assertFiled(0, PRECOMMIT, 5, nilAndBlock, [int64(0), 0], signatures);
        assertRemoved();
    }

    function test_TwoProposalsAreProof() public {
        int64[2] memory rounds = [int64(-1), int64(uint64(type(uint32).max))];
        bytes[2] memory signatures = twoProposals(type(uint32).max, rounds);
        vm.prank(accountOf(0));
        set.accuseProposals(atHeight, type(uint32).max, blocks, rounds, signatures);
        assertFiled(0, PROPOSAL, type(uint32).max, blocks, rounds, signatures);
        assertRemoved();
    }

    /// Signatures that a wallet library made (viem 2, signTypedData) with the key keccak256("validator 02") for chain
    /// 1337 and a genesis of 32 bytes 0x11: what is signed is EIP-712, not just what these tests believe it is.
    function test_WalletsSignTheSame() public {
        assertEq(
            domainOf(1337, bytes32(hex"1111111111111111111111111111111111111111111111111111111111111111")),
            0x2cf8f86ba39f2a6caf994d7b34956f60b24cc5f483ecaf8e9378a62f5093625a,
            "domain"
        );
        create(4);
        domain = 0x2cf8f86ba39f2a6caf994d7b34956f60b24cc5f483ecaf8e9378a62f5093625a;
        begin();
        bytes32 block_ = 0x2222222222222222222222222222222222222222222222222222222222222222;
        bytes32 other = 0x3333333333333333333333333333333333333333333333333333333333333333;
        set.accuseVotes(
            PRECOMMIT,
            7,
            3,
            [block_, 0],
            [
                bytes(
                    hex"4ef623aec9185cee05a6f620a00d03862e5f18324bd020bb3c84ef4cd2009c424de5964865cd48b1dac47ec7657ae5e6b5f8c062f645589a73eed6bbdb6b5ba41c"
                ),
                hex"e86673b44f547f9599fcb7fb8eb8abd2544aecbdd5b8c8c64af63322c7ab4a7d014b480407cfb3b5d70a5ab21d5fd537f0ad71172c0c6b368161e63786d794281b"
            ]
        );
        set.accuseProposals(
            7,
            3,
            [block_, other],
            [int64(-1), 2],
            [
                bytes(
                    hex"e5b973ef8a508f18ae7fa6a3e8d74a97546f643da9b8ee0bd33852b3f7e821f638f9ce5dd0f517d7f1bdbfced985009a27cc6b976aa6ec6f804caa99e88242fa1c"
                ),
                hex"32a3af1a569b55cac87596c70ccac0cce1d883ce25940fe0e3628c1120a4348101df6c51380e8a204b0cb60f57b0a420d41872336504a6e20f9fd2d6cd31a2e81c"
            ]
        );
        assertEq(set.evidence(0).accused, accused, "the votes");
        assertEq(set.evidence(1).accused, accused, "the proposals");
    }

    /// Anybody may accuse, the accused included.
    function test_AnybodyMayAccuse() public {
        bytes[2] memory signatures = twoVotes(key, PREVOTE, atHeight, 0, blocks);
        vm.prank(accused);
        set.accuseVotes(PREVOTE, atHeight, 0, blocks, signatures);
        assertRemoved();
    }

    function test_EachOffenceCountsOnce() public {
        bytes[2] memory signatures = twoVotes(key, PREVOTE, atHeight, 0, blocks);
        set.accuseVotes(PREVOTE, atHeight, 0, blocks, signatures);
        vm.expectRevert(abi.encodeWithSelector(IValidators.AlreadyProven.selector, 0));
        set.accuseVotes(PREVOTE, atHeight, 0, blocks, signatures);
        // The same two the other way round, or a third block, are the same offence.
        vm.expectRevert(abi.encodeWithSelector(IValidators.AlreadyProven.selector, 0));
        set.accuseVotes(PREVOTE, atHeight, 0, [blocks[1], blocks[0]], [signatures[1], signatures[0]]);
        bytes[2] memory third = twoVotes(key, PREVOTE, atHeight, 0, nilAndBlock);
        vm.expectRevert(abi.encodeWithSelector(IValidators.AlreadyProven.selector, 0));
        set.accuseVotes(PREVOTE, atHeight, 0, nilAndBlock, third);

        // Another kind, round or height is another one.
        set.accuseVotes(PRECOMMIT, atHeight, 0, blocks, twoVotes(key, PRECOMMIT, atHeight, 0, blocks));
        set.accuseVotes(PREVOTE, atHeight, 1, blocks, twoVotes(key, PREVOTE, atHeight, 1, blocks));
        set.accuseVotes(PREVOTE, atHeight - 1, 0, blocks, twoVotes(key, PREVOTE, atHeight - 1, 0, blocks));
        bytes[2] memory proposals = twoProposals(0, noRounds);
        set.accuseProposals(atHeight, 0, blocks, noRounds, proposals);
        vm.expectRevert(abi.encodeWithSelector(IValidators.AlreadyProven.selector, 4));
        set.accuseProposals(atHeight, 0, blocks, noRounds, proposals);
        assertEq(set.evidenceCount(), 5, "evidence");
    }

    function test_EqualBlocksProveNothing() public {
        bytes32[2] memory equal = [bytes32("one"), "one"];
        bytes[2] memory signatures = twoVotes(key, PREVOTE, atHeight, 0, equal);
        refused("blocks");
        set.accuseVotes(PREVOTE, atHeight, 0, equal, signatures);
        bytes32[2] memory nils;
        signatures = twoVotes(key, PREVOTE, atHeight, 0, nils);
        refused("blocks");
        set.accuseVotes(PREVOTE, atHeight, 0, nils, signatures);

        // One block proposed twice, with two valid rounds, is no crime either.
        blocks = equal;
        int64[2] memory rounds = [int64(-1), 0];
        signatures = twoProposals(3, rounds);
        refused("blocks");
        set.accuseProposals(atHeight, 3, equal, rounds, signatures);
        assertEq(set.evidenceCount(), 0, "evidence");
    }

    /// Votes of different rounds, heights or kinds do not contradict each other: one of them never matches.
    function test_DifferentRoundsHeightsAndKindsProveNothing() public {
        bytes memory first = signed(key, voteDigest(domain, PREVOTE, atHeight, 0, blocks[0]));
        bytes32[4] memory others = [
            voteDigest(domain, PREVOTE, atHeight, 1, blocks[1]),
            voteDigest(domain, PREVOTE, atHeight + 1, 0, blocks[1]),
            voteDigest(domain, PRECOMMIT, atHeight, 0, blocks[1]),
            proposalDigest(domain, atHeight, 0, blocks[1], -1)
        ];
        for (uint256 i = 0; i < 4; ++i) {
            bytes[2] memory signatures = [first, signed(key, others[i])];
            vm.expectRevert();
            set.accuseVotes(PREVOTE, atHeight, 0, blocks, signatures);
            vm.expectRevert();
            set.accuseVotes(PREVOTE, atHeight, 1, blocks, signatures);
            vm.expectRevert();
            set.accuseProposals(atHeight, 0, blocks, noRounds, signatures);
        }
        assertEq(set.evidenceCount(), 0, "evidence");
        assertStanding(accused, IValidators.Standing.Active);
    }

    function test_OtherKindsAreUnknown() public {
        uint8[4] memory kinds = [0, PROPOSAL, 4, 255];
        for (uint256 i = 0; i < 4; ++i) {
            bytes[2] memory signatures = twoVotes(key, kinds[i], atHeight, 0, blocks);
            refused("kind");
            set.accuseVotes(kinds[i], atHeight, 0, blocks, signatures);
        }
    }

    function test_ValidRoundsAreRounds() public {
        int64[3] memory wrong = [int64(-2), type(int64).min, int64(uint64(type(uint32).max)) + 1];
        for (uint256 i = 0; i < 3; ++i) {
            int64[2] memory rounds = [int64(-1), wrong[i]];
            bytes[2] memory signatures = twoProposals(3, rounds);
            refused("validRound");
            set.accuseProposals(atHeight, 3, blocks, rounds, signatures);
        }
    }

    /// What was signed for one chain means nothing on another.
    function test_AnotherDomainProvesNothing() public {
        bytes32 ours = domain;
        domain = domainOf(1338, "genesis");
        bytes[2] memory signatures = twoVotes(key, PREVOTE, atHeight, 0, blocks);
        domain = ours;
        vm.expectRevert();
        set.accuseVotes(PREVOTE, atHeight, 0, blocks, signatures);
        assertEq(set.evidenceCount(), 0, "evidence");
    }

    function test_TwoSignersProveNothing() public {
        bytes[2] memory signatures = twoVotes(key, PREVOTE, atHeight, 0, blocks);
        signatures[1] = signed(keyOf(nameOf(1)), voteDigest(domain, PREVOTE, atHeight, 0, blocks[1]));
        vm.expectRevert(abi.encodeWithSelector(IValidators.TwoSigners.selector, accused, accountOf(1)));
        set.accuseVotes(PREVOTE, atHeight, 0, blocks, signatures);
    }

    function test_StrangersCannotBeAccused() public {
        (address stranger, uint256 strangerKey) = person("stranger");
        bytes[2] memory signatures = twoVotes(strangerKey, PREVOTE, atHeight, 0, blocks);
        vm.expectRevert(abi.encodeWithSelector(IValidators.NotValidator.selector, stranger));
        set.accuseVotes(PREVOTE, atHeight, 0, blocks, signatures);
    }

    /// Every signature has one form only.
    function test_ForgedSignaturesAreRefused() public {
        bytes[2] memory good = twoVotes(key, PREVOTE, atHeight, 0, blocks);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, voteDigest(domain, PREVOTE, atHeight, 0, blocks[1]));
        bytes32 high = bytes32(ORDER - uint256(s));
        bytes[9] memory forged = [
            bytes(""),
            abi.encodePacked(r, s),
            abi.encodePacked(r, s, v, v),
            abi.encodePacked(r, high, v == 27 ? uint8(28) : 27),
            abi.encodePacked(r, s, v - 27),
            abi.encodePacked(r, s, v + 2),
            abi.encodePacked(bytes32(0), s, v),
            abi.encodePacked(r, bytes32(0), v),
            abi.encodePacked(bytes32(ORDER), s, v)
        ];
        for (uint256 i = 0; i < forged.length; ++i) {
            refused("signature");
            set.accuseVotes(PREVOTE, atHeight, 0, blocks, [good[0], forged[i]]);
            refused("signature");
            set.accuseVotes(PREVOTE, atHeight, 0, [blocks[1], blocks[0]], [forged[i], good[0]]);
        }
        set.accuseVotes(PREVOTE, atHeight, 0, blocks, good);
    }

    function testFuzz_ChangedSignaturesAccuseNobody(uint256 bit, uint256 which) public {
        bytes[2] memory signatures = twoVotes(key, PREVOTE, atHeight, 0, blocks);
        bit = bound(bit, 0, 65 * 8 - 1);
        signatures[which % 2][bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        vm.expectRevert();
        set.accuseVotes(PREVOTE, atHeight, 0, blocks, signatures);
        assertStanding(accused, IValidators.Standing.Active);
    }

    function test_WithoutADomainNobodyIsAccused() public {
        create(4);
        bytes[2] memory signatures = twoVotes(key, PREVOTE, atHeight, 0, blocks);
        vm.expectRevert(IValidators.NoDomain.selector);
        set.accuseVotes(PREVOTE, atHeight, 0, blocks, signatures);
    }

    /// The last one stays, on the docket, until somebody can take over: a ledger of nobody stands for ever.
    function test_TheLastOneStaysUntilAnotherCan() public {
        create(1);
        height = 0;
        delete voting;
        begin(10);
        convict(nameOf(0), uint64(height) - 1);
        begin(5);
        assertStanding(accountOf(0), IValidators.Standing.Equivocated);
        assertEq(set.validators().length, 1, "voters");
        assertTrue(votes(accountOf(0)) && proposes(accountOf(0)), "it goes on");
        assertEq(set.members().length, 0, "members");

        admit(1);
        begin();
        assertEq(set.validators().length, 1, "voters");
        assertTrue(votes(accountOf(1)), "the other has taken over");
    }

    /// All at once is no different: the seats stay until an honest one comes.
    function test_IfAllEquivocateAllStay() public {
        for (uint256 i = 0; i < 4; ++i) {
            convict(nameOf(i), atHeight);
        }
        begin(3);
        assertEq(set.validators().length, 4, "voters");
        admit(4);
        begin();
        assertEq(set.validators().length, 1, "voters");
        assertTrue(votes(accountOf(4)), "the newcomer");
    }

    /// Who is away for absence can be accused too, and never comes back.
    function test_TheAbsentCanBeAccused() public {
        beginWithout(list(accused), MISSED_MAX + 1);
        assertStanding(accused, IValidators.Standing.Absent);
        convict(nameOf(2), atHeight);
        assertStanding(accused, IValidators.Standing.Equivocated);
        begin();
        assertEq(set.validators().length, 3, "voters");
        // It is not away any more, so another one may be sent away: of three seats, none.
        beginWithout(list(accountOf(0)), 25);
        assertEq(set.validators().length, 3, "voters");
    }

    function test_OnlyWhatIsThereCanBeRead() public {
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x32));
        set.evidence(0);
    }

    function twoProposals(uint32 round, int64[2] memory rounds) private view returns (bytes[2] memory) {
        return [
            signed(key, proposalDigest(domain, atHeight, round, blocks[0], rounds[0])),
            signed(key, proposalDigest(domain, atHeight, round, blocks[1], rounds[1]))
        ];
    }

    function refused(string memory what) private {
        vm.expectRevert(abi.encodeWithSelector(IValidators.InvalidEvidence.selector, what));
    }

    function assertFiled(
        uint256 index,
        uint8 kind,
        uint32 round,
        bytes32[2] memory blocks_,
        int64[2] memory rounds,
        bytes[2] memory signatures
    ) private view {
        assertEq(set.evidenceCount(), index + 1, "evidence");
        IValidators.Evidence memory filed = set.evidence(index);
        IValidators.Evidence memory expected = IValidators.Evidence({
            accused: accused,
            accuser: accountOf(0),
            kind: kind,
            height: atHeight,
            round: round,
            acceptedIn: uint64(height),
            blocks: blocks_,
            validRounds: rounds,
            signatures: signatures
        });
        assertEq(keccak256(abi.encode(filed)), keccak256(abi.encode(expected)), "the record");
    }

    function assertRemoved() private {
        assertStanding(accused, IValidators.Standing.Equivocated);
        assertTrue(votes(accused), "not before the block after the next");
        begin();
        assertTrue(!votes(accused), "gone");
        assertEq(set.validators().length, 3, "voters");
        begin(50);
        assertTrue(!votes(accused), "for ever");
    }
}

contract RegistryEvidenceTest is EvidenceTest {
    function create(uint256 count) internal override {
        newRegistry(count);
    }

    function admit(uint256 index) internal override {
        voteIn(accountOf(index), nameOf(index));
    }

    /// There is no stake that could have left, so age does not matter.
    function test_OldEvidenceCounts() public {
        begin(200);
        convict(nameOf(2), 1);
        assertStanding(accountOf(2), IValidators.Standing.Equivocated);
    }
}

contract StakingEvidenceTest is EvidenceTest {
    function create(uint256 count) internal override {
        newStaking(count, 100 ether, 1000 ether);
    }

    function admit(uint256 index) internal override {
        vm.deal(accountOf(index), 100 ether);
        vm.prank(accountOf(index));
        IStaking(address(set)).enlist{value: 100 ether}(nameOf(index), 0);
    }

    function test_EvidenceCountsAsLongAsStakeUnbonds() public {
        begin(50);
        bytes32[2] memory hashes = [bytes32("one"), "other"];
        uint64 early = uint64(height - UNBONDING_BLOCKS) - 1;
        bytes[2] memory signatures = twoVotes(keyOf(nameOf(2)), PRECOMMIT, early, 0, hashes);
        vm.expectRevert(abi.encodeWithSelector(IValidators.InvalidEvidence.selector, "age"));
        set.accuseVotes(PRECOMMIT, early, 0, hashes, signatures);
        convict(nameOf(2), early + 1);
        assertStanding(accountOf(2), IValidators.Standing.Equivocated);
    }
}
