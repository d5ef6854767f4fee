//! How many threads are of use here: the cores that we may run on, or less where the control group has a quota of less.
//!
//! The standard library looks at the same files and rounds down: with a quota of one and a half cores it says one, and a
//! third of what was paid for is never used. A thread too many costs a few switches.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread::available_parallelism;

/// Threads for requests, at least one.
pub(super) fn cores() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed =
        allowed(&status).or_else(|| available_parallelism().ok().map(NonZeroUsize::get)).unwrap_or(1);
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    quota(Path::new("/sys/fs/cgroup"), &groups).map_or(allowed, |quota| quota.min(allowed)).max(1)
}

/// The cores that the scheduler may put us on (`Cpus_allowed_list`, proc(5)): ranges such as `0-3,8`.
fn allowed(status: &str) -> Option<usize> {
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let mut cores: usize = 0;
    for range in list.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (first.parse::<usize>().ok()?, last.parse::<usize>().ok()?);
        cores = cores.checked_add(last.checked_sub(first)?)?.checked_add(1)?;
    }
    (cores > 0).then_some(cores)
}

/// The least quota of our control group and those around it, in cores, rounded up; `None` where there is none. `groups`
/// is what `/proc/self/cgroup` says (cgroups(7)): `0::/path` for version 2, `4:cpu,cpuacct:/path` for version 1.
///
/// In a container of version 1 the path may be that of the host, which is not there; its own group is then the top one.
fn quota(mounted: &Path, groups: &str) -> Option<usize> {
    let mut least: Option<u64> = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let read = match controllers {
            "" => version_2,
            _ if controllers.split(',').any(|controller| controller == "cpu") => version_1,
            _ => continue,
        };
        let top = if controllers.is_empty() { mounted.to_owned() } else { mounted.join("cpu") };
        let own = top.join(path.trim_start_matches('/'));
        for group in own.ancestors().take_while(|group| group.starts_with(&top)) {
            if let Some((quota, period)) = read(group).filter(|(quota, period)| *quota > 0 && *period > 0) {
                let cores = quota.div_ceil(period);
                least = Some(least.map_or(cores, |least| least.min(cores)));
            }
        }
    }
    usize::try_from(least?).ok()
}

/// Microseconds of processor time in a period of so many: `max 100000` or `150000 100000`.
fn version_2(group: &Path) -> Option<(u64, u64)> {
    let text = fs::read_to_string(group.join("cpu.max")).ok()?;
    let (quota, period) = text.trim().split_once(' ')?;
    Some((quota.parse().ok()?, period.parse().ok()?))
}

/// As for version 2; no quota is -1, which is no `u64`.
fn version_1(group: &Path) -> Option<(u64, u64)> {
    let read = |name| fs::read_to_string(group.join(name)).ok()?.trim().parse().ok();
    Some((read("cpu.cfs_quota_us")?, read("cpu.cfs_period_us")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    struct Mounted(PathBuf);

    impl Mounted {
        fn with(name: &str, files: &[(&str, &str)]) -> Mounted {
            let root = std::env::temp_dir().join(format!("hallpass-cores-{}-{name}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Mounted(root)
        }
    }

    impl Drop for Mounted {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn counts_the_cores_that_the_scheduler_may_use() {
        let status = |list: &str| format!("Name:\thallpass\nCpus_allowed:\tff\nCpus_allowed_list:\t{list}\n");
        for (list, cores) in [("0", 1), ("0-3", 4), ("0-3,8,10-11", 7)] {
            assert_eq!(allowed(&status(list)), Some(cores), "{list}");
        }
        for list in ["", "3-1", "0-", "a", "0-18446744073709551615"] {
            assert_eq!(allowed(&status(list)), None, "{list}");
        }
        assert_eq!(allowed("Name:\thallpass\n"), None);
    }

    #[test]
    fn rounds_a_quota_up_and_takes_the_least_on_the_way_to_the_top() {
        let mounted = Mounted::with(
            "v2",
            &[
                ("cpu.max", "max 100000\n"),
                ("pods/cpu.max", "250000 100000\n"),
                ("pods/one/cpu.max", "400000 100000\n"),
                ("half/cpu.max", "50000 100000\n"),
                ("broken/cpu.max", "lots\n"),
                ("zero/cpu.max", "100 0\n"),
            ],
        );
        for (group, cores) in
            [("/pods/one", Some(3)), ("/half", Some(1)), ("/", None), ("/broken", None), ("/zero", None)]
        {
            assert_eq!(quota(&mounted.0, &format!("0::{group}\n")), cores, "{group}");
        }
    }

    #[test]
    fn reads_the_quota_of_version_1_even_where_the_path_is_that_of_the_host() {
        let mounted = Mounted::with(
            "v1",
            &[
                ("cpu/cpu.cfs_quota_us", "150000\n"),
                ("cpu/cpu.cfs_period_us", "100000\n"),
                ("cpu/free/cpu.cfs_quota_us", "-1\n"),
                ("cpu/free/cpu.cfs_period_us", "100000\n"),
            ],
        );
        for groups in ["5:cpu,cpuacct:/docker/0123\n", "1:name=systemd:/\n2:cpu:/free\n0::/\n"] {
            assert_eq!(quota(&mounted.0, groups), Some(2), "{groups}");
        }
        assert_eq!(quota(&mounted.0, "3:cpuset:/\n4:memory:/x\nnonsense\n"), None);
    }

    #[test]
    fn never_says_none_at_all() {
        assert!(cores() >= 1);
    }
}
