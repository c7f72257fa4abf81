//! What the driver says of itself: records that are about no request.

use flt::memory::try_zeroed;
use flt::time;
use guard::{Name, Note, NoteEvent};
use wire::LossClass;

use crate::audit::Audit;

/// Room on the stack for all but those with a long name.
const ROOM: usize = 512;

impl Audit {
    /// Takes in a record about what has just happened. PASSIVE_LEVEL. `false` if there was no room for it: the loss is
    /// counted.
    #[inline(never)]
    pub(crate) fn note(&self, event: NoteEvent<'_>) -> bool {
        let mut room = [0; ROOM];
        let note = Note {
            time: time::system_time(),
            event,
        };
        if let Ok(record) = note.encode(&mut room) {
            return self.put(LossClass::State, record);
        }
        match try_zeroed(note.encoded_size()) {
            Ok(mut record) => self.put_note(&note, &mut record),
            Err(status) => {
                let note = Note {
                    event: without_name(note.event, status.bits()),
                    ..note
                };
                self.put_note(&note, &mut room)
            }
        }
    }

    fn put_note(&self, note: &Note<'_>, room: &mut [u8]) -> bool {
        // A note that does not encode is taken in all the same: the journal counts it as lost.
        self.put(LossClass::State, note.encode(room).unwrap_or(&[]))
    }
}

/// The same without its name, for want of memory.
const fn without_name(event: NoteEvent<'_>, reason: u32) -> NoteEvent<'_> {
    match event {
        NoteEvent::Volume(mut note) => {
            note.device = Name::absent(reason);
            NoteEvent::Volume(note)
        }
        NoteEvent::Consumer(mut note) => {
            note.image = Name::absent(reason);
            NoteEvent::Consumer(note)
        }
        NoteEvent::Started(_)
        | NoteEvent::Stopping(_)
        | NoteEvent::Policy(_)
        | NoteEvent::Heartbeat(_)
        | NoteEvent::Gap(_) => event,
    }
}
