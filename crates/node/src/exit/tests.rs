use super::*;

#[test]
fn a_kit_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("kit");
    let mut given_up = Kit::create(&place).unwrap();
    given_up.write("a.txt", b"half").unwrap();
    drop(given_up);
    let mut kit = Kit::create(&place).unwrap();
    kit.write("a/b.txt", b"abc").unwrap();
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(kit.files["a/b.txt"], expected, "SHA-256 of abc (FIPS 180-4)");
    kit.finish().unwrap();
    assert_eq!(fs::read(place.join("a/b.txt")).unwrap(), b"abc");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    assert!(Kit::create(&place).is_err(), "it does not mix with what is there");
}
