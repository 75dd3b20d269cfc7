//! Id of a topic, which distinguishes it from a later topic with the same name. rdkafka does not
//! expose the id, so this module calls librdkafka.
#![expect(
    unsafe_code,
    reason = "DescribeTopics is only in librdkafka's C interface"
)]

use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::time::Duration;

use rdkafka::bindings as c;
use rdkafka::client::{Client, ClientContext};

/// Requests the id of `topic`, in the form that Kafka prints. Returns `None` if there is no such
/// topic or no answer in time.
pub(crate) fn topic_id<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Option<String> {
    let name = CString::new(topic).ok()?;
    let mut names: [*const c_char; 1] = [name.as_ptr()];
    let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let client = client.native_ptr();
    // SAFETY: every pointer is either just created and checked, or borrowed from an object that
    // outlives the call. Each created object is destroyed on the only path out below. `names` holds
    // one C string, as its count says, and librdkafka copies it.
    unsafe {
        let collection = c::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), 1);
        let queue = c::rd_kafka_queue_new(client);
        let options = c::rd_kafka_AdminOptions_new(
            client,
            c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
        );
        let mut reason = [0 as c_char; 256];
        c::rd_kafka_AdminOptions_set_request_timeout(
            options,
            timeout_ms,
            reason.as_mut_ptr(),
            reason.len(),
        );
        c::rd_kafka_DescribeTopics(client, collection, options, queue);
        let event = c::rd_kafka_queue_poll(queue, timeout_ms.saturating_add(1000));
        let id = if event.is_null() { None } else { id_in(event) };
        if !event.is_null() {
            c::rd_kafka_event_destroy(event);
        }
        c::rd_kafka_AdminOptions_destroy(options);
        c::rd_kafka_queue_destroy(queue);
        c::rd_kafka_TopicCollection_destroy(collection);
        id
    }
}

/// # Safety
/// `event` must be a live event.
unsafe fn id_in(event: *mut c::rd_kafka_event_t) -> Option<String> {
    // SAFETY: the result borrows from the event, and everything below from the result. Each pointer
    // is checked before it is dereferenced.
    unsafe {
        let result = c::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return None;
        }
        let mut count = 0;
        let topics = c::rd_kafka_DescribeTopics_result_topics(result, ptr::from_mut(&mut count));
        if topics.is_null() || count != 1 {
            return None;
        }
        let topic = *topics;
        let error = c::rd_kafka_TopicDescription_error(topic);
        if !error.is_null()
            && c::rd_kafka_error_code(error) != c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
        {
            return None;
        }
        let uuid = c::rd_kafka_TopicDescription_topic_id(topic);
        let text = c::rd_kafka_Uuid_base64str(uuid);
        if text.is_null() {
            return None;
        }
        CStr::from_ptr(text).to_str().ok().map(str::to_owned)
    }
}
