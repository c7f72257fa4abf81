//! A thread that is held at an instruction of a driver, and what another one does meanwhile.

use testbed::io::{Handle, RequestOptions};
use testbed::status::STATUS_SUCCESS;
use testbed::volume::{Disposition, FILE_GENERIC_READ, FILE_GENERIC_WRITE, OpenRequest};
use testbed::{Held, Place};

use super::alone::alone;
use super::{Bench, CLUSTER, clone_input, send};

/// A filter that prints when two requests are between two of its instructions at once.
struct Two {
    bench: Bench,
    left: (Handle, Handle),
    right: (Handle, Handle),
}

impl Two {
    fn start() -> Option<Self> {
        let bench = Bench::start(&["tells_of_two"])?;
        let files = |name| {
            let request = OpenRequest {
                disposition: Disposition::OverwriteIf,
                ..OpenRequest::create(FILE_GENERIC_READ | FILE_GENERIC_WRITE)
            };
            bench.copy.run(|thread| {
                let open = |what| {
                    let path = format!(r"\{name} {what}");
                    let opened = thread.create_file(bench.volume, &path, &request);
                    opened.expect("created")
                };
                let (source, target) = (open("source"), open("target"));
                thread.write(source, 0, &[7; CLUSTER]).expect("written");
                let size = CLUSTER as u64;
                thread.set_end_of_file(target, size).expect("extended");
                (source, target)
            })
        };
        let two = Self {
            left: files("left"),
            right: files("right"),
            bench,
        };
        two.clone_right();
        Some(two)
    }

    fn clone(&self, (source, target): (Handle, Handle)) {
        let input = clone_input(source);
        let options = (RequestOptions::default(), 0);
        let status = self
            .bench
            .copy
            .run(|thread| send(thread, target, &input, options));
        assert_eq!(status, STATUS_SUCCESS);
    }

    fn clone_left(&self) {
        self.clone(self.left);
    }

    fn clone_right(&self) {
        self.clone(self.right);
    }

    fn places(&self) -> Vec<Place> {
        let machine = &self.bench.machine;
        machine.places("Filter", Held::Caller, || self.clone_left())
    }

    /// How often two were there at once.
    fn seen(&self) -> usize {
        self.bench.printed("two at once")
    }

    fn end(self) {
        let files = [self.left, self.right];
        self.bench.copy.run(|thread| {
            for (source, target) in files {
                super::close_both(thread, source, target);
            }
        });
        self.bench.end();
    }
}

#[test]
fn a_thread_is_held_at_each_place_once() {
    alone(|| {
        let Some(two) = Two::start() else {
            return;
        };
        let machine = &two.bench.machine;
        let places = two.places();
        assert_eq!(two.seen(), 0, "one after the other");
        let mut held = Vec::new();
        for place in &places {
            let before = two.seen();
            let left = || two.clone_left();
            let done = machine.preempted("Filter", place, left, || two.clone_right());
            assert!(done.was_held, "{place}");
            if two.seen() > before {
                held.push(place.to_string());
            }
        }
        // Behind the first of two neighbours and at the second: one place, or as many as there are instructions between.
        assert!((1..8).contains(&held.len()), "{held:?}");
        assert_eq!(two.seen(), held.len());
        assert!(places.len() > held.len() * 8, "{}", places.len());
        two.end();
    });
}

#[test]
fn who_does_not_come_there_is_not_held() {
    alone(|| {
        let Some(two) = Two::start() else {
            return;
        };
        let machine = &two.bench.machine;
        let places = two.places();
        let place = places.first().expect("executed");
        // The other one comes there and is not meant.
        let done = machine.preempted("Filter", place, || 7, || two.clone_right());
        assert_eq!((done.first, done.was_held), (7, false));
        // Nor is a thread that a driver has started.
        let workers = machine.places("Filter", Held::Worker, || two.clone_left());
        assert_eq!(workers, [], "the filter starts none");
        two.end();
    });
}

#[test]
fn whoever_waits_for_the_one_that_is_held_goes_on_behind_it() {
    alone(|| {
        let Some(two) = Two::start() else {
            return;
        };
        let machine = &two.bench.machine;
        let places = two.places();
        let place = places.get(places.len() / 2).expect("executed");
        let done = machine.preempted(
            "Filter",
            place,
            || two.clone_left(),
            || machine.unload("Filter"),
        );
        assert!(done.was_held, "{place}");
        assert!(done.second.is_ok(), "{:?}", done.second);
        let image = super::image::filter(&["tells_of_two"]).expect("compiled");
        let again = machine.load_driver(&image.path(), "Filter");
        again.expect("the driver loads");
        two.end();
    });
}
