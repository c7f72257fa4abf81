//! How argument words become typed arguments, and results the word in RAX.
//!
//! The machinery behind [`imports!`](crate::imports): handlers are ordinary functions with integer
//! parameters, and the convention's narrow values keep their undefined upper bits undefined.

use super::import::Call;
use crate::status::NtStatus;
use crate::verifier::Violation;

/// What a handler gives back to the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The word in RAX.
    Value(u64),
    /// The routine never returns: the thread ends here.
    ThreadEnds,
}

/// Marks the answer of a routine that ends its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadEnds;

/// A type that an argument word can be read as. Narrow types ignore the upper bits, which the
/// convention leaves undefined.
pub trait FromWord {
    /// The value in `word`.
    fn from_word(word: u64) -> Self;
}

/// A type that a handler can return.
pub trait IntoAnswer {
    /// What the image finds in RAX. Bits that the convention leaves undefined are filled with
    /// garbage on purpose.
    fn into_answer(self) -> Answer;
}

macro_rules! words {
    ($($type:ty, $unsigned:ty, $garbage:literal;)*) => {
        $(
            impl FromWord for $type {
                fn from_word(word: u64) -> Self {
                    (word & u64::from(<$unsigned>::MAX)) as $unsigned as $type
                }
            }

            impl IntoAnswer for $type {
                fn into_answer(self) -> Answer {
                    Answer::Value(u64::from(self as $unsigned) | $garbage)
                }
            }
        )*
    };
}

words! {
    u8, u8, 0xDEAD_DEAD_DEAD_DE00;
    u16, u16, 0xDEAD_DEAD_DEAD_0000;
    u32, u32, 0xDEAD_DEAD_0000_0000;
    i32, u32, 0xDEAD_DEAD_0000_0000;
    u64, u64, 0;
    i64, u64, 0;
}

impl FromWord for bool {
    fn from_word(word: u64) -> Self {
        u8::from_word(word) != 0
    }
}

impl IntoAnswer for bool {
    fn into_answer(self) -> Answer {
        u8::from(self).into_answer()
    }
}

impl IntoAnswer for NtStatus {
    fn into_answer(self) -> Answer {
        self.0.into_answer()
    }
}

impl IntoAnswer for () {
    fn into_answer(self) -> Answer {
        Answer::Value(0xDEAD_DEAD_DEAD_DEAD)
    }
}

impl IntoAnswer for ThreadEnds {
    fn into_answer(self) -> Answer {
        Answer::ThreadEnds
    }
}

/// Takes the argument words of a call one after the other; the machinery of `imports!`.
#[derive(Debug)]
pub struct Reader<'a> {
    call: &'a Call,
    next: usize,
}

impl<'a> Reader<'a> {
    /// Begins with the first word.
    #[must_use]
    pub fn new(call: &'a Call) -> Self {
        Self { call, next: 0 }
    }

    /// All arguments.
    ///
    /// # Errors
    ///
    /// As [`Call::word`].
    pub fn tuple<T: FromWords>(mut self) -> Result<T, Violation> {
        T::from_words(&mut self)
    }

    fn take<T: FromWord>(&mut self) -> Result<T, Violation> {
        let word = self.call.word(self.next)?;
        self.next += 1;
        Ok(T::from_word(word))
    }
}

/// A tuple of arguments.
pub trait FromWords: Sized {
    /// Takes one word for each member.
    ///
    /// # Errors
    ///
    /// As [`Call::word`].
    fn from_words(reader: &mut Reader<'_>) -> Result<Self, Violation>;
}

macro_rules! tuples {
    ($($($type:ident)*;)*) => {
        $(
            impl<$($type: FromWord),*> FromWords for ($($type,)*) {
                fn from_words(_reader: &mut Reader<'_>) -> Result<Self, Violation> {
                    Ok(($(_reader.take::<$type>()?,)*))
                }
            }
        )*
    };
}

tuples! {
    ;
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
    A B C D E F G H I;
}

/// Spreads a tuple of arguments over the parameters of a handler; the machinery of `imports!`.
pub trait Apply<Arguments, R> {
    /// Calls the handler.
    ///
    /// # Errors
    ///
    /// What the handler answers.
    fn apply(&self, call: &Call, arguments: Arguments) -> Result<R, Violation>;
}

macro_rules! apply {
    ($($type:ident $value:ident),*) => {
        impl<F, R, $($type),*> Apply<($($type,)*), R> for F
        where
            F: Fn(&Call $(, $type)*) -> Result<R, Violation>,
        {
            fn apply(&self, call: &Call, ($($value,)*): ($($type,)*)) -> Result<R, Violation> {
                self(call $(, $value)*)
            }
        }
    };
}

apply!();
apply!(A a);
apply!(A a, B b);
apply!(A a, B b, C c);
apply!(A a, B b, C c, D d);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_arguments_ignore_the_upper_bits() {
        assert_eq!(u8::from_word(0xAAAA_AA05), 5);
        assert_eq!(u32::from_word(0xFFFF_FFFF_0000_0001), 1);
        assert_eq!(i32::from_word(0xFFFF_FFFE), -2);
        assert_eq!(i64::from_word(u64::MAX), -1);
        assert!(!bool::from_word(0xFF00));
    }

    #[test]
    fn narrow_results_leave_garbage_above() {
        assert_eq!(5_u8.into_answer(), Answer::Value(0xDEAD_DEAD_DEAD_DE05));
        assert_eq!((-1_i32).into_answer(), Answer::Value(0xDEAD_DEAD_FFFF_FFFF));
        assert_eq!(true.into_answer(), Answer::Value(0xDEAD_DEAD_DEAD_DE01));
        assert_eq!(7_u64.into_answer(), Answer::Value(7));
        assert_eq!(ThreadEnds.into_answer(), Answer::ThreadEnds);
    }
}
