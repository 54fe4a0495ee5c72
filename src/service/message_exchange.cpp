#include "service/message_exchange.hpp"

#include <cerrno>

#include "wire/credentials.hpp"

namespace nsenterd::service {

Result<ExchangeNeeds> MessageExchange::check() {
  auto requests = check_requests(request_, parameters_.following_requests);
  if (!requests) return requests.error();
  requests_ = std::move(*requests);
  return requests_.needs;
}

wire::FrameKind MessageExchange::kind() const noexcept {
  using enum wire::FrameKind;
  if (requests_.is_list) return parameters_.async ? request_list_async : request_list;
  return parameters_.async ? request_async : request;
}

base::Result<void> MessageExchange::give(AgentChannel& channel) {
  const wire::Credentials credentials{parameters_.uid, parameters_.gid};
  if (requests_.needs.takes_personality && (credentials.uid || credentials.gid) &&
      !channel.send_credentials(credentials)) {
    return base::last_error("send credentials");
  }
  request_size_ = requests_.text.size();
  if (!channel.send(kind(), requests_.text)) return base::last_error("send request");
  return {};
}

std::optional<Result<void>> MessageExchange::take(Frame frame) {
  if (frame.kind != wire::FrameKind::response ||
      !responses_.take(requests_.operation(responses_.count()), std::move(frame))) {
    return Failure(AgentDied{});
  }
  if (!responses_.failed() && responses_.count() < requests_.count()) return std::nullopt;
  return Result<void>();
}

}  // namespace nsenterd::service
