//! What the interface adds to a request, without sockets: run by `cargo bench -p hanse-rpc`.

fn main() {}
