//! What a sender is told of a request that was taken in.

use spanledger_component::Accepted;
use spanledger_otlp::answer::{ExportResponse, PartialSuccess};

use crate::failure::shorten;

/// `partial_success` is unset when everything was taken in and there is nothing to say.
pub(crate) fn response(accepted: Accepted) -> ExportResponse {
    if accepted.rejected == 0 && accepted.message.is_empty() {
        return ExportResponse { partial_success: None };
    }
    let rejected = i64::try_from(accepted.rejected).unwrap_or(i64::MAX);
    ExportResponse {
        partial_success: Some(PartialSuccess { rejected, error_message: shorten(accepted.message) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_said_is_said_also_where_nothing_was_rejected() {
        let told = |rejected, message: &str| {
            let accepted = Accepted { items: 3, rejected, message: message.into(), ..Accepted::default() };
            response(accepted).partial_success.map(|partial| (partial.rejected, partial.error_message))
        };
        assert_eq!(told(0, ""), None);
        assert_eq!(told(2, "no trace id"), Some((2, "no trace id".to_owned())));
        assert_eq!(told(0, "a repeat"), Some((0, "a repeat".to_owned())));
    }
}
