use super::*;
use clap::Parser;
use std::io::Write;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn settle(flags: &[&str]) -> Result<Config, NodeError> {
    let line = Line::try_parse_from([&["node"], flags].concat()).expect("the flags are known");
    line.args.settle()
}

#[test]
fn a_flag_overrides_the_file_which_overrides_the_default() {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    write!(file, "[http]\nport = 1\nvhosts = ['a']\n[txpool]\nmax-count = 5\n").expect("written");
    let path = file.path().to_str().expect("a path in UTF-8");
    let config = settle(&["--config", path, "--http.port", "2"]).expect("settings");
    assert_eq!(config.http.port, 2);
    assert_eq!(config.http.vhosts, ["a"]);
    assert_eq!(config.txpool.max_count, 5);
    assert_eq!(config.ws.port, 8546);
}

#[test]
fn an_unknown_key_is_refused_by_its_name() {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    write!(file, "[http]\nprot = 1\n").expect("written");
    let path = file.path().to_str().expect("a path in UTF-8");
    let error = settle(&["--config", path]).expect_err("the key is unknown").to_string();
    assert!(error.contains("prot") && error.contains("line 2"), "{error}");
    assert!(settle(&["--config", "/nowhere.toml"]).is_err());
}

#[test]
fn block_times_are_read_as_people_write_them() {
    for (text, millis) in [("1s", 1_000), ("250ms", 250), ("2", 2_000), ("0.5", 500)] {
        let config = settle(&["--dev", "--dev.block-time", text]).expect("settings");
        assert_eq!(config.dev_block_time_ms().expect(text), millis);
    }
    for text in ["", "soon", "0", "-1", "2d", "1e99", "0.0001"] {
        let config = settle(&[&format!("--dev.block-time={text}")]);
        assert!(config.is_ok_and(|config| config.dev_block_time_ms().is_err()), "{text}");
    }
}
