use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("journeyman-spool-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn open(&self, limit: u64) -> Spool {
        Spool::open(&self.0, "t", limit).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.0.join("t-0.spool")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn lines(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|nth| format!("{{\"n\":{nth}}}")).collect()
}

const ROOM: u64 = 1 << 20;

#[test]
fn what_was_appended_is_read_until_it_is_forgotten() {
    let folder = Folder::new();
    let spool = folder.open(ROOM);
    assert!(spool.is_empty());
    assert_eq!(spool.read(10).unwrap(), Lines::default());
    assert_eq!(spool.append(&lines(0..5)).unwrap(), 5);
    assert!(!spool.is_empty());
    let first = spool.read(3).unwrap();
    assert_eq!(first.lines, lines(0..3));
    assert_eq!(spool.read(3).unwrap(), first, "read again until it is forgotten");
    spool.forget(&first).unwrap();
    // More comes while the rest is written elsewhere.
    assert_eq!(spool.append(&lines(5..6)).unwrap(), 1);
    let rest = spool.read(10).unwrap();
    assert_eq!(rest.lines, lines(3..6));
    assert!(!spool.is_empty());
    spool.forget(&rest).unwrap();
    assert!(spool.is_empty());
    assert_eq!(std::fs::metadata(folder.file()).unwrap().len(), 0);
    assert_eq!(spool.append(&lines(6..7)).unwrap(), 1);
    assert_eq!(spool.read(10).unwrap().lines, lines(6..7));
}

#[test]
fn who_comes_after_finds_it_all() {
    let folder = Folder::new();
    let spool = folder.open(ROOM);
    spool.append(&lines(0..4)).unwrap();
    let part = spool.read(2).unwrap();
    spool.forget(&part).unwrap();
    drop(spool);
    // Where it had come to is forgotten: what was written already comes again.
    assert_eq!(folder.open(ROOM).read(10).unwrap().lines, lines(0..4));
}

#[test]
fn a_damaged_line_costs_itself_alone() {
    let good = {
        let folder = Folder::new();
        folder.open(ROOM).append(&lines(0..3)).unwrap();
        std::fs::read(folder.file()).unwrap()
    };
    let each = good.len() / 3;
    // Every bit of the line in the middle, and every length of the last.
    for nth in each * 8..each * 2 * 8 {
        let folder = Folder::new();
        let mut bad = good.clone();
        bad[nth / 8] ^= 1 << (nth % 8);
        std::fs::write(folder.file(), &bad).unwrap();
        let read = folder.open(ROOM).read(10).unwrap().lines;
        assert!(read.starts_with(&lines(0..1)), "bit {nth}: {read:?}");
        let wanted = [lines(0..1), lines(2..3)].concat();
        // A line end that is gone takes the next line with it.
        assert!(read == wanted || nth / 8 == each * 2 - 1, "bit {nth}: {read:?}");
    }
    for cut in each * 2..good.len() {
        let folder = Folder::new();
        std::fs::write(folder.file(), &good[..cut]).unwrap();
        let spool = folder.open(ROOM);
        assert_eq!(spool.append(&lines(9..10)).unwrap(), 1);
        assert_eq!(spool.read(10).unwrap().lines, [lines(0..2), lines(9..10)].concat(), "cut at {cut}");
    }
    let folder = Folder::new();
    std::fs::write(folder.file(), [b"x".repeat(200_000), b"\n".to_vec(), good].concat()).unwrap();
    assert_eq!(folder.open(ROOM).read(10).unwrap().lines, lines(0..3));
}

#[test]
fn it_is_never_longer_than_its_limit() {
    let folder = Folder::new();
    let spool = folder.open(100);
    let kept = spool.append(&lines(0..50)).unwrap();
    assert_eq!(kept, 4);
    assert!(std::fs::metadata(folder.file()).unwrap().len() <= 100);
    assert_eq!(spool.append(&lines(0..1)).unwrap(), 0);
    let read = spool.read(50).unwrap();
    assert_eq!(read.lines, lines(0..4));
    spool.forget(&read).unwrap();
    assert_eq!(spool.append(&lines(0..1)).unwrap(), 1);
    assert_eq!(spool.append(&["x".repeat(LINE_BYTES as usize)]).unwrap(), 0);
}

#[test]
fn every_process_has_its_own_and_the_next_takes_over() {
    let folder = Folder::new();
    let (first, second) = (folder.open(ROOM), folder.open(ROOM));
    first.append(&lines(0..2)).unwrap();
    second.append(&lines(2..4)).unwrap();
    assert_eq!(first.read(9).unwrap().lines, lines(0..2));
    drop(second);
    drop(first);
    let third = folder.open(ROOM);
    assert_eq!(third.read(9).unwrap().lines, lines(0..4));
    let fourth = folder.open(ROOM);
    assert!(fourth.is_empty());
    third.give_up();
    assert_eq!(third.append(&lines(0..1)).unwrap(), 0);
    assert_eq!(folder.open(ROOM).read(9).unwrap().lines, lines(0..4));
}
