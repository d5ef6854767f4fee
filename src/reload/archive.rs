//! Zip files, within limits: nothing is unpacked to disk, and nothing larger than was asked for is unpacked at all.

use crate::policy::Source;
use std::io::{Cursor, Read as _};
use zip::{CompressionMethod, ZipArchive};

/// The most entries that a zip file may have, those that are not read among them.
const ENTRIES_MAX: usize = 256;

/// The files called `wanted` at the top of a zip file, in the order of `wanted`. No file may be larger than `file_max`
/// bytes unpacked and all together no larger than `all_max`, whatever the zip file says of itself.
///
/// # Errors
/// What cannot be read whole and in one way: no zip file or one that was cut off, a check sum that is wrong, a wanted name
/// that is there twice or in a folder, what is encrypted or packed otherwise than by deflate, and a limit that is passed.
pub(super) fn unpack(
    bytes: &[u8],
    wanted: &[&str],
    file_max: u64,
    all_max: u64,
) -> Result<Vec<Source>, String> {
    let broken = |error: zip::result::ZipError| format!("it cannot be read as a zip file: {error}");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    if archive.len() > ENTRIES_MAX {
        return Err(format!("it has more than {ENTRIES_MAX} entries"));
    }
    // The library keeps the last of those that have one name.
    if entries(bytes, archive.comment()) != Some(archive.len()) {
        return Err("two of its entries have one name, or there is something behind its end".to_owned());
    }
    let mut places: Vec<Option<usize>> = vec![None; wanted.len()];
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(broken)?;
        let name = entry.name().map_err(broken)?;
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let Some(place) = wanted.iter().position(|wanted| *wanted == last) else { continue };
        if name != last {
            return Err(format!("`{}` is in a folder; its files must be at the top", name.escape_debug()));
        }
        let slot = places.get_mut(place);
        if slot.and_then(|slot| slot.replace(index)).is_some() {
            return Err(format!("`{last}` is there twice"));
        }
    }
    let mut left = all_max;
    let mut sources = Vec::new();
    for (name, index) in wanted.iter().zip(places) {
        let Some(index) = index else { continue };
        let entry =
            archive.by_index(index).map_err(|error| format!("`{name}` cannot be unpacked: {error}"))?;
        if !entry.is_file() {
            return Err(format!("`{name}` is not a file"));
        }
        if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            return Err(format!("`{name}` is packed otherwise than by deflate"));
        }
        let limit = file_max.min(left);
        let too_large = || {
            format!("`{name}` is larger than a roster may be, or all of them together, once it is unpacked")
        };
        if entry.size() > limit {
            return Err(too_large());
        }
        // What it says of its size may be a lie: it is not believed, and no memory is set aside for it.
        let mut bytes = Vec::new();
        entry
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| format!("`{name}` cannot be unpacked: {error}"))?;
        if bytes.len() as u64 > limit {
            return Err(too_large());
        }
        left = left.saturating_sub(bytes.len() as u64);
        sources.push(Source { name: (*name).to_owned(), bytes });
    }
    Ok(sources)
}

/// How many entries a zip file says that it has, in the record that ends it with this comment (APPNOTE.TXT 4.3.16).
fn entries(bytes: &[u8], comment: &[u8]) -> Option<usize> {
    const END_BYTES: usize = 22;
    let end = bytes.get(bytes.len().checked_sub(END_BYTES + comment.len())?..)?;
    let count = [*end.get(10)?, *end.get(11)?];
    end.starts_with(b"PK\x05\x06").then(|| usize::from(u16::from_le_bytes(count)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    const WANTED: &[&str] = &["a.csv", "b.csv"];

    fn pack(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for (name, bytes) in entries {
            writer.start_file(*name, packed).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn names(bytes: &[u8]) -> Result<Vec<String>, String> {
        unpack(bytes, WANTED, 1000, 1500)
            .map(|sources| sources.into_iter().map(|source| source.name).collect())
    }

    #[test]
    fn unpacks_what_is_wanted_in_its_order_and_looks_at_nothing_else() {
        let zip = pack(&[("b.csv", b"b"), ("notes.txt", &[0; 5000]), ("__MACOSX/x", b""), ("a.csv", b"a")]);
        assert_eq!(names(&zip).unwrap(), ["a.csv", "b.csv"]);
        assert_eq!(names(&pack(&[])).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn refuses_what_is_in_a_folder_twice_or_reaches_out_of_it() {
        for name in ["export/a.csv", "../a.csv", "/a.csv", "x\\a.csv"] {
            let told = names(&pack(&[(name, b"a")])).unwrap_err();
            assert!(told.contains("in a folder"), "{told}");
        }
        // The writer refuses to write a name twice; the reader may keep the last of two, which is not for us to guess.
        let mut twice = pack(&[("a.csv", b"1"), ("c.csv", b"2")]);
        while let Some(at) = twice.windows(5).position(|five| five == b"c.csv") {
            twice[at] = b'a';
        }
        assert!(names(&twice).unwrap_err().contains("one name"));
        assert!(names(&[pack(&[("a.csv", b"a")]), vec![0; 3]].concat()).is_err());
    }

    #[test]
    fn refuses_what_is_cut_off_or_changed_anywhere() {
        let whole = pack(&[("a.csv", b"some text, some more text"), ("b.csv", b"b")]);
        assert!(names(&whole).is_ok());
        for length in 0..whole.len() {
            assert!(names(&whole[..length]).is_err(), "{length} bytes");
        }
        let at = whole.windows(5).position(|five| five == b"a.csv").unwrap() + 8;
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        assert!(names(&changed).is_err());
        assert!(names(b"sourcedId,status\n").unwrap_err().contains("cannot be read as a zip file"));
    }

    #[test]
    fn unpacks_no_more_than_it_may_whatever_the_zip_says() {
        let limit = |entries: &[(&str, &[u8])]| names(&pack(entries));
        assert!(limit(&[("a.csv", &[b'x'; 1000])]).is_ok());
        assert!(limit(&[("a.csv", &[b'x'; 1001])]).unwrap_err().contains("larger"));
        assert!(limit(&[("a.csv", &[b'x'; 800]), ("b.csv", &[b'x'; 800])]).unwrap_err().contains("larger"));
        // 8 MiB in 8 KiB, of which nothing is kept.
        let bomb = pack(&[("a.csv", &vec![0; 8 << 20])]);
        assert!(bomb.len() < 20_000 && names(&bomb).unwrap_err().contains("larger"));
        // The same with a lie: so many bytes in both places where a zip file tells.
        let (truth, lie) = ((8_u32 << 20).to_le_bytes(), 8_u32.to_le_bytes());
        let mut lying = bomb.clone();
        while let Some(at) = lying.windows(4).position(|four| four == truth) {
            lying[at..at + 4].copy_from_slice(&lie);
        }
        assert!(lying != bomb && names(&lying).is_err());
        let many: Vec<String> = (0..=ENTRIES_MAX).map(|number| format!("{number}.txt")).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
        assert!(limit(&many).unwrap_err().contains("entries"));
    }
}
