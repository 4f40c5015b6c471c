use super::Latencies;
use std::time::Duration;

#[test]
fn percentiles_are_of_the_nearest_rank() {
    let mut latencies = Latencies::default();
    assert!(latencies.percentile_ms(50).abs() < f64::EPSILON);
    for ms in (1..=100).rev() {
        latencies.add(Duration::from_millis(ms));
    }
    assert!((latencies.percentile_ms(50) - 50.0).abs() < 1e-9);
    assert!((latencies.percentile_ms(99) - 99.0).abs() < 1e-9);
    assert!((latencies.percentile_ms(100) - 100.0).abs() < 1e-9);
}
