//! What is too long, too deep or too many.

/// Bytes of a certificate. Ours have less than 700; what is longer carries something else.
pub const CERTIFICATE_BYTES_MAX: usize = 2_048;

/// Levels of nesting in DER bytes. A certificate has 9.
pub const DER_DEPTH_MAX: usize = 16;

/// Characters of an organization's id; with an end they fit into 32 bytes.
pub const ORGANIZATION_CHARACTERS_MAX: usize = 31;

/// Characters of the name for people in a certificate (RFC 5280, appendix A: `ub-common-name`).
pub const NAME_CHARACTERS_MAX: usize = 64;

/// Bytes of a serial number (RFC 5280, section 4.1.2.2).
pub const SERIAL_BYTES_MAX: usize = 20;

/// Bytes of a serial number that cannot be guessed (64 bits).
pub const SERIAL_BYTES_MIN: usize = 8;

/// Names and addresses in the certificate of a server.
pub const HOSTS_MAX: usize = 16;

/// Characters of a host name (RFC 1035).
pub const HOST_CHARACTERS_MAX: usize = 253;

/// Certificates of an authority that one check tries at most: several are valid while it changes its key.
pub const ROOTS_TRIED_MAX: usize = 8;

/// Entries of a revocation list.
pub const REVOCATIONS_MAX: usize = 10_000;

/// Bytes of a revocation list.
pub const REVOCATION_LIST_BYTES_MAX: usize = 1024 * 1024;

/// Levels of a policy.
pub const POLICY_DEPTH_MAX: usize = 8;

/// Nodes of a policy.
pub const POLICY_NODES_MAX: usize = 64;

/// Bytes of a policy's form: a principal is the longest node.
pub const POLICY_FORM_BYTES_MAX: usize = POLICY_NODES_MAX * 35;

/// Characters of a policy's text.
pub const POLICY_TEXT_BYTES_MAX: usize = 8_192;

/// Bytes of what a node shows its peers.
pub const CREDENTIAL_BYTES_MAX: usize = 2 + 65 + 2 + CERTIFICATE_BYTES_MAX;

/// Seconds of a day.
pub const DAY_SECONDS: u64 = 86_400;

/// Days for which an authority is valid unless it is told otherwise.
pub const ROOT_DAYS: u64 = 3_650;

/// Days for which all other certificates are valid unless told otherwise.
pub const LEAF_DAYS: u64 = 365;

/// Days before its end from which the owner of a certificate is told: soon, more so, at once.
pub const WARNING_DAYS: [u64; 3] = [60, 30, 7];

/// The last second that X.509 can express: the end of the year 9999.
pub const TIME_MAX: u64 = 253_402_300_799;

// A greeting between nodes has 9 KiB.
const _: () = assert!(CREDENTIAL_BYTES_MAX <= 8 * 1024);
// The longest text of a form: every node a principal with the longest organization.
const _: () =
    assert!(POLICY_NODES_MAX * (ORGANIZATION_CHARACTERS_MAX + 32) <= POLICY_TEXT_BYTES_MAX);
const _: () = assert!(ORGANIZATION_CHARACTERS_MAX < 32);
const _: () = assert!(SERIAL_BYTES_MIN < SERIAL_BYTES_MAX);
const _: () = assert!(LEAF_DAYS < ROOT_DAYS);
// 48 bytes an entry hold a serial number of the longest kind, a time and a reason.
const _: () = assert!(REVOCATIONS_MAX * 64 + CERTIFICATE_BYTES_MAX <= REVOCATION_LIST_BYTES_MAX);

/// Accounts of one organization that a policy can ask for, as the contract has it.
pub const APPROVERS_OF_ONE_MAX: u8 = 8;

/// Accounts of all organizations together that a policy can ask for.
pub const APPROVERS_MAX: u8 = 64;
