use super::*;
use crate::access::Access;

fn entry(token: &str, expires: Option<&str>) -> Token {
    Token {
        name: "till".to_owned(),
        role: "reader".to_owned(),
        hash: keccak256(token),
        expires: expires.map(str::to_owned),
    }
}

#[test]
fn a_token_opens_until_it_expires_and_no_other_does() {
    let directory = tempfile::tempdir().expect("a folder");
    let path = directory.path().join("tokens.toml");
    let (lasting, ending) = (new_token(), new_token());
    let tokens = vec![entry(&lasting, None), entry(&ending, Some("2030-01-01T00:00:00Z"))];
    TokenFile { tokens }.save(&path).expect("written");
    let text = fs::read_to_string(&path).expect("readable");
    assert!(!text.contains(&lasting) && !text.contains(&ending), "only hashes are kept");
    let roles = Access::default().roles();
    let tokens = Tokens::open(Some(path.clone()), &roles).expect("tokens");
    let at = |year: u64| move || SystemTime::UNIX_EPOCH + Duration::from_secs(year * 31_557_600);
    assert!(tokens.find(&lasting, at(58)).is_some());
    assert!(tokens.find(&ending, at(58)).is_some());
    assert!(tokens.find(&ending, at(62)).is_none(), "2032 is after its end");
    assert!(tokens.find(&new_token(), at(58)).is_none());
    // Taken away while the node runs.
    TokenFile { tokens: vec![entry(&ending, None)] }.save(&path).expect("written");
    tokens.look(&roles);
    assert!(tokens.find(&lasting, at(58)).is_none());
    // A broken file takes nobody's token away.
    fs::write(&path, "token = 5").expect("written");
    tokens.look(&roles);
    assert!(tokens.find(&ending, at(58)).is_some());
}

#[test]
fn a_broken_file_is_refused_at_the_start() {
    let directory = tempfile::tempdir().expect("a folder");
    let path = directory.path().join("tokens.toml");
    let roles = Access::default().roles();
    let cases = [
        ("[[token]]\nname='a'\nrole='king'\nhash='0x00'", "hash"),
        (
            "[[token]]\nname='a'\nrole='king'\nhash='0x0000000000000000000000000000000000000000000000000000000000000000'",
            "king",
        ),
        (
            "[[token]]\nname='a'\nrole='reader'\nexpires='soon'\nhash='0x0000000000000000000000000000000000000000000000000000000000000000'",
            "soon",
        ),
    ];
    for (text, part) in cases {
        fs::write(&path, text).expect("written");
        let error = Tokens::open(Some(path.clone()), &roles).expect_err(text).to_string();
        assert!(error.contains(part), "{error}");
    }
    fs::remove_file(&path).expect("removed");
    assert!(Tokens::open(Some(path), &roles).is_ok(), "no file is no tokens");
}
