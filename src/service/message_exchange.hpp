// Requests and their responses: what the event of a message gives its agent to do (daemon, or a program that embeds the
// library).
#pragma once

#include <nsenterd/event.hpp>

#include "service/exchange.hpp"
#include "service/requests.hpp"
#include "service/responses.hpp"

namespace nsenterd::service {

class MessageExchange final : public Exchange {
 public:
  MessageExchange(EventParameters parameters, Message request, Message response)
      : parameters_(std::move(parameters)), request_(std::move(request)), responses_(std::move(response)) {}

  [[nodiscard]] const EventParameters& parameters() const noexcept { return parameters_; }
  [[nodiscard]] const Message& request() const noexcept { return request_; }
  void set_request(Message request) { request_ = std::move(request); }
  [[nodiscard]] Responses& responses() noexcept { return responses_; }

  Result<ExchangeNeeds> check() override;
  base::Result<void> give(AgentChannel& channel) override;
  void forget_request() override { requests_.text = {}; }
  [[nodiscard]] std::size_t longest_frame() const override { return wire::kMaxFrame; }
  std::optional<Result<void>> take(Frame frame) override;
  void clear() override { responses_.clear(); }
  [[nodiscard]] std::size_t size() const override { return request_size_ + responses_.size(); }

 private:
  [[nodiscard]] wire::FrameKind kind() const noexcept;

  EventParameters parameters_;
  Message request_;
  CheckedRequests requests_;
  Responses responses_;
  std::size_t request_size_ = 0;
};

}  // namespace nsenterd::service
