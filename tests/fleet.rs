//! Pools of unlike accelerators as one budget.

#[path = "support/folder.rs"]
#[expect(dead_code, reason = "what other tests ask of a run")]
mod folder;

use folder::Folder;
use plan::derive::{Derivation, DeriveError, derive};
use plan::file::read;
use plan::footprint::whole_runs;

fn derived(text: &str) -> Result<Derivation, DeriveError> {
    derive(&read(format!("format = 1\n{text}").as_bytes()).expect("it is a plan").chosen)
}

fn near(a: f64, b: f64) -> bool {
    (a / b - 1.0).abs() < 1e-12
}

const POOLS: &str = "pools = [{ accelerator = \"a100-sxm-80gb\", devices = 256, mfu = 0.4, \
                     usd_per_accelerator_hour = 2 }, { accelerator = \"h100-sxm\", devices = 64, \
                     mfu = 0.3, usd_per_accelerator_hour = 3 }]\n";

/// 256 x 312 TFLOP/s x 0.4 and 64 x 989.4 TFLOP/s x 0.3 (NVIDIA's data sheets), for ten days.
#[test]
fn the_compute_of_pools_adds_up() {
    let own = derived(&format!("[budget]\ndays = 10\n[cluster]\n{POOLS}")).unwrap();
    let peak = |name| plan::hardware::catalogue().find(name).unwrap().peak_flops.0;
    let (a100, h100) = (256.0 * 312e12 * 0.4, 64.0 * peak("h100-sxm") * 0.3);
    let budget = own.derived.budget.as_ref().unwrap();
    assert!(near(budget.flops.0, (a100 + h100) * 864_000.0), "{}", budget.flops.0);
    let fleet = own.derived.fleet.as_ref().unwrap();
    let shares: Vec<f64> = fleet.pools.iter().map(|pool| pool.share).collect();
    assert!(near(shares[0], a100 / (a100 + h100)) && near(shares[0] + shares[1], 1.0));
    // an H100 at 0.3 is faster than an A100 at 0.4, which sets the pace where batches are even
    let even = fleet.ways.iter().find(|way| way.way.contains("equal")).unwrap();
    assert!(near(even.flops_per_second, 320.0 * 312e12 * 0.4));
    // the first way is the run of the plan
    let (best, run) = (&fleet.ways[0], own.point.unwrap());
    assert!(near(best.days.unwrap(), 10.0) && near(best.params.unwrap().0, run.params.unwrap().0));
    let losses = fleet.ways.windows(2);
    assert!(losses.into_iter().all(|two| two[0].loss.unwrap().0 <= two[1].loss.unwrap().0));
    // time and money of the run are those of all devices
    let spent = own.derived.allocation.unwrap();
    assert!(near(spent.days.unwrap(), 10.0));
    assert!(near(spent.usd.unwrap().0, 240.0 * (256.0 * 2.0 + 64.0 * 3.0)));
}

/// One pool is a cluster.
#[test]
fn one_pool_is_a_cluster() {
    let keys = "accelerator = \"a100-sxm-80gb\", devices = 256, mfu = 0.4";
    let pool = format!("[budget]\ndays = 10\n[cluster]\npools = [{{ {keys} }}]\n");
    let cluster = format!("[budget]\ndays = 10\n[cluster]\n{}\n", keys.replace(", ", "\n"));
    let [pool, cluster] = [pool, cluster].map(|text| derived(&text).unwrap());
    let flops = |own: &Derivation| own.derived.budget.as_ref().unwrap().flops.0;
    assert!(near(flops(&pool), flops(&cluster)));
    assert_eq!(pool.derived.allocation.unwrap().days, cluster.derived.allocation.unwrap().days);
}

/// A pool whose utilisation is not stated has that of whole runs, with its range.
#[test]
fn pools_without_a_utilisation_have_that_of_whole_runs() {
    let bare = POOLS.replace(", mfu = 0.4", "").replace("mfu = 0.3, ", "");
    let own = derived(&format!("[budget]\ndays = 10\n[cluster]\n{bare}[site]\ngrid = \"fr\"\n"));
    let own = own.unwrap();
    let fleet = own.derived.fleet.as_ref().unwrap();
    for pool in &fleet.pools {
        let kind = whole_runs().find(&pool.accelerator).unwrap();
        assert!(near(pool.mfu.0, kind.utilisation) && pool.mfu_80 == Some(kind.utilisation_80));
    }
    let taken = own.footprint.unwrap();
    let [low, high] = taken.hours_80.unwrap();
    assert!(low < taken.hours && taken.hours < high && taken.kwh().is_some());
    let unknown = bare.replace("h100-sxm", "mi300x");
    let own = derived(&format!("[budget]\ndays = 10\n[cluster]\n{unknown}")).unwrap();
    assert!(own.missing.iter().any(|missing| missing.key.to_string() == "cluster.pools.1.mfu"));
}

#[test]
fn faults_of_pools_have_a_caret() {
    let folder = Folder::new();
    let told = |cluster: &str, told: &str| {
        let plan = format!("format = 1\n[budget]\ndays = 10\n[cluster]\n{cluster}");
        std::fs::write(folder.path("plan.toml"), plan).unwrap();
        let run = folder.run(&["plan", "plan.toml"]);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.err.contains(told) && run.err.contains('^'), "{told}: {}", run.err);
    };
    told(&format!("devices = 4\n{POOLS}"), "the cluster has pools");
    told(&POOLS.replace("h100-sxm", "h10-sxm"), "the nearest are `h100-sxm`");
    told(&POOLS.replace("mfu = 0.3", "mfu = 0"), "the utilisation must be above 0");
    told(&POOLS.replace("devices = 64", "devices = 0"), "devices");
    told(&POOLS.replace("devices = 64, ", ""), "devices");
}
