//! Steps that choose a way and take no time.

use super::*;

fn split(by: &str, weights: &[(&str, u32)]) -> Value {
    let branches: Vec<_> = weights.iter().map(|(id, weight)| json!({"id": id, "weight": weight})).collect();
    document(
        json!({}),
        json!({"s": {"type": "split", "config": {"by": by, "branches": branches}, "on": {"no_response": "e"}}, "e": end()}),
    )
}

fn taken(flow: &Arc<Flow>, from: &str, seed: u64) -> String {
    let facts = CallFacts { from: from.into(), ..CallFacts::default() };
    let (now, mut actions) = (Now { instant: Instant::ZERO, wall: Wall::default() }, Vec::new());
    Interpreter::start(flow.clone(), facts, Random::from_seed(seed), now, &mut actions);
    actions.iter().filter_map(short).find(|line| line.starts_with("leave")).unwrap_or_default()
}

#[test]
fn a_split_by_caller_goes_by_the_hash_of_flow_step_and_number_alone() {
    let flow = Arc::new(compile(&split("caller", &[("a", 18), ("off", 0), ("b", 82)])));
    // The first 64 bits of SHA-256 over `t NUL s NUL number`, in hundredths.
    for (from, branch) in
        [("+14155550100", "a"), ("+14155550101", "a"), ("+442079460018", "b"), ("+14155550103", "b")]
    {
        for seed in 0..5 {
            assert_eq!(taken(&flow, from, seed), format!("leave b:{branch}"), "{from}");
        }
    }
}

#[test]
fn a_split_at_random_and_one_of_withheld_callers_draw_from_the_calls_seed() {
    for (by, from) in [("random", "+14155550100"), ("caller", "")] {
        let flow = Arc::new(compile(&split(by, &[("a", 20), ("b", 80)])));
        let draw = |seed| taken(&flow, from, seed);
        assert!((0..100).all(|seed| draw(seed) == draw(seed)));
        let first = (0..1_000).filter(|seed| draw(*seed) == "leave b:a").count();
        assert!((150..250).contains(&first), "{first} of 1,000");
    }
}
