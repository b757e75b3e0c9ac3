//! Threads compute outputs of snapshots while another thread learns.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use micro_lora::FrozenLora;

use crate::life::{N, Person, learner, unit};

const READERS: u64 = 2;
/// Outputs of one snapshot before the reader takes the newest one.
const PER_SNAPSHOT: u64 = 1000;

/// A snapshot and its output for one query, computed in the learner's thread.
struct Published {
    lora: FrozenLora<N, N, 4>,
    query: Vec<f32>,
    output: Vec<f32>,
}

pub fn run(outputs: u64, seed: u64) -> Result<(), Box<dyn Error>> {
    let newest = Mutex::new(Arc::new(publish(&learner()?.0, seed)?));
    let is_over = AtomicBool::new(false);
    let mut snapshots = 0;
    std::thread::scope(|threads| -> Result<(), Box<dyn Error>> {
        let read = || read(&newest, outputs / READERS);
        let readers: Vec<_> = (0..READERS).map(|_| threads.spawn(read)).collect();
        let learning = threads.spawn(|| learn(&newest, &is_over, seed));
        let results: Vec<_> = readers.into_iter().map(|reader| reader.join()).collect();
        is_over.store(true, Ordering::Relaxed);
        let learned = learning.join();
        for result in results {
            result.map_err(|_| "a reader panicked")??;
        }
        snapshots = learned.map_err(|_| "the learner panicked")??;
        Ok(())
    })?;
    println!(
        "{outputs} outputs of {snapshots} snapshots in {READERS} threads while a third one learned: each the bits of its snapshot"
    );
    Ok(())
}

fn publish(lora: &crate::life::Lora, seed: u64) -> Result<Published, micro_lora::Error> {
    let query = unit(&mut Rng::with_seed(seed));
    let lora = lora.freeze();
    let output = lora.apply(&query)?.to_vec();
    Ok(Published { lora, query, output })
}

/// Learns until the readers are done; returns the number of snapshots.
fn learn(newest: &Mutex<Arc<Published>>, is_over: &AtomicBool, seed: u64) -> Result<u64, String> {
    let (mut lora, mut memory) = learner().map_err(|error| error.to_string())?;
    let mut person = Person::new(seed);
    let mut snapshots = 1;
    while !is_over.load(Ordering::Relaxed) {
        person.click(&mut lora, &mut memory).map_err(|error| error.to_string())?;
        let published = publish(&lora, seed + snapshots).map_err(|error| error.to_string())?;
        *newest.lock().map_err(|error| error.to_string())? = Arc::new(published);
        snapshots += 1;
    }
    Ok(snapshots)
}

fn read(newest: &Mutex<Arc<Published>>, outputs: u64) -> Result<(), String> {
    let mut done = 0;
    while done < outputs {
        let snapshot = newest.lock().map_err(|error| error.to_string())?.clone();
        for _ in 0..PER_SNAPSHOT.min(outputs - done) {
            let output = snapshot.lora.apply(&snapshot.query).map_err(|error| error.to_string())?;
            if output.as_slice() != snapshot.output {
                return Err("expected the output that the snapshot had when it was taken, got another".into());
            }
            done += 1;
        }
    }
    Ok(())
}
