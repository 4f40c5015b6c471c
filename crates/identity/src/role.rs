use crate::{IdentityError, organization::shown};
use std::{fmt, str::FromStr};

/// What an account may be in its organization. The numbers are the bits of `IMembers`, and the codes in a
/// policy's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Role {
    /// Whoever has a valid enrollment. Never written down.
    Member = 0,
    /// Acts for the organization.
    Admin = 1,
    /// Sells.
    Merchant = 2,
    /// Transports.
    Carrier = 3,
    /// Issues money, pays, gives credit.
    Bank = 4,
    /// Reads what others may not.
    Auditor = 5,
    /// Supervises.
    Regulator = 6,
    /// Reports from outside the chain.
    Oracle = 7,
    /// Votes on blocks.
    Validator = 8,
    /// Runs the market.
    Platform = 9,
    /// Buys.
    Shopper = 10,
}

impl Role {
    /// All roles, by their numbers.
    pub const ALL: [Self; 11] = [
        Self::Member,
        Self::Admin,
        Self::Merchant,
        Self::Carrier,
        Self::Bank,
        Self::Auditor,
        Self::Regulator,
        Self::Oracle,
        Self::Validator,
        Self::Platform,
        Self::Shopper,
    ];

    /// The role with a number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The number of its bit.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its name, as in policies and certificates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Merchant => "merchant",
            Self::Carrier => "carrier",
            Self::Bank => "bank",
            Self::Auditor => "auditor",
            Self::Regulator => "regulator",
            Self::Oracle => "oracle",
            Self::Validator => "validator",
            Self::Platform => "platform",
            Self::Shopper => "shopper",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| IdentityError::Role(shown(text)))
    }
}

/// Roles, as the bits of a number.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleSet(u32);

impl RoleSet {
    /// No roles.
    pub const NONE: Self = Self(0);

    /// The roles with these bits; nothing when a bit has no role.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits >> Role::ALL.len() == 0 { Some(Self(bits)) } else { None }
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether a role is among them.
    #[must_use]
    pub const fn contains(self, role: Role) -> bool {
        self.0 & (1 << role.number()) != 0
    }

    /// These and another one.
    #[must_use]
    pub const fn with(self, role: Role) -> Self {
        Self(self.0 | 1 << role.number())
    }

    /// These but for one.
    #[must_use]
    pub const fn without(self, role: Role) -> Self {
        Self(self.0 & !(1 << role.number()))
    }

    /// What both have.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The roles, by their numbers.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.contains(*role))
    }
}

impl FromIterator<Role> for RoleSet {
    fn from_iter<T: IntoIterator<Item = Role>>(roles: T) -> Self {
        roles.into_iter().fold(Self::NONE, Self::with)
    }
}

/// Names with commas; `none` for no roles.
impl fmt::Display for RoleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (at, role) in self.iter().enumerate() {
            write!(f, "{}{role}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Debug for RoleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoleSet({self})")
    }
}

impl FromStr for RoleSet {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" | "none" => Ok(Self::NONE),
            text => text.split(',').map(|name| name.trim().parse::<Role>()).collect(),
        }
    }
}
