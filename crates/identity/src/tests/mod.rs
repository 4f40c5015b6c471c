mod attacks;
mod authority;
mod credential;
mod der;
mod fixtures;
mod names;
mod revocation;
