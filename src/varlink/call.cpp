#include "varlink/call.hpp"

#include <utility>

#include "varlink/connection.hpp"
#include "varlink/observer.hpp"

namespace nsenterd::varlink {

Call::Call(std::weak_ptr<Connection> connection, std::shared_ptr<const Peer> peer, CallMessage message,
           std::vector<base::ForeignFd> descriptors, const CallTimes& times)
    : connection_(std::move(connection)),
      peer_(std::move(peer)),
      message_(std::move(message)),
      descriptors_(std::move(descriptors)),
      times_(times) {}

Call::~Call() {
  if (replied_) return;
  if (const auto connection = connection_.lock()) connection->close();
}

base::ForeignFd Call::take_descriptor(std::size_t index) noexcept {
  return index < descriptors_.size() ? std::move(descriptors_[index]) : base::ForeignFd();
}

bool Call::expect_no_parameters() {
  if (message_.parameters.empty()) return true;
  invalid_parameter(message_.parameters.begin().key());
  return false;
}

bool Call::is_connected() const noexcept {
  const auto connection = connection_.lock();
  return connection && connection->is_open();
}

void Call::reply(std::string_view parameters, std::vector<base::ForeignFd> descriptors) {
  finish(encode_reply(parameters, false), std::move(descriptors), {});
}

void Call::reply_continues(std::string_view parameters) {
  const auto connection = connection_.lock();
  if (!replied_ && connection && !message_.oneway) connection->send(encode_reply(parameters, true), {});
}

void Call::error(std::string_view name, const Json& parameters) {
  finish(encode_error(name, parameters), {}, {name, &parameters});
}

void Call::invalid_parameter(std::string_view name) {
  error("org.varlink.service.InvalidParameter", {{"parameter", name}});
}

void Call::finish(std::string text, std::vector<base::ForeignFd> descriptors, const CallEnd& end) {
  if (std::exchange(replied_, true)) return;
  on_abandoned_ = nullptr;
  // Before the client hears of it: those that nobody claimed are not kept.
  descriptors_.clear();
  const auto connection = connection_.lock();
  if (!connection) return;
  // Before the reply is given: whether somebody is there to get it or not, this is how the call has ended.
  connection->let_go_of_call(end);
  if (!message_.oneway) connection->send(std::move(text), std::move(descriptors));
  times_.replied = CallTimes::Clock::now();
  connection->finish_call();
}

void Call::abandon() {
  if (auto handler = std::exchange(on_abandoned_, nullptr)) handler();
}

}  // namespace nsenterd::varlink
