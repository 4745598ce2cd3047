//! What makes two requests the same transaction (RFC 3261 17.2.3) or the same request on two ways (8.2.2.2).

use crate::sip::message::Request;

/// The key of the transaction that `request` belongs to, with `method` in the place of its own: an ACK and a
/// CANCEL find their INVITE with `INVITE`.
///
/// A branch of RFC 3261 decides together with who sent it. Without one everything counts that a
/// retransmission repeats; To is left out, because the tag in it is what an ACK has and its INVITE has not.
pub fn server_key(request: &Request, method: &str) -> Box<str> {
    let via = request.via();
    match via.branch() {
        Some(branch) => {
            let port = via.port.unwrap_or_default();
            format!("{branch}\0{}\0{port}\0{method}", via.host).into()
        }
        None => {
            let (uri, tag) = (request.uri().as_str(), request.from_tag());
            let (call_id, number) = (request.call_id(), request.cseq().number);
            format!("\0{uri}\0{tag}\0{call_id}\0{number}\0{via}\0{method}").into()
        }
    }
}

/// Two requests outside a dialog with one of these in common are one request that came on two ways.
pub fn merge_key(request: &Request) -> Box<str> {
    let cseq = request.cseq();
    format!("{}\0{}\0{}\0{}", request.call_id(), request.from_tag(), cseq.number, cseq.method).into()
}
