#include "service/responses.hpp"

#include "operations/payload.hpp"
#include "wire/frame.hpp"
#include "wire/message.hpp"

namespace nsenterd::service {

bool Responses::take(const operations::Operation& operation, Frame frame) {
  const auto parts = wire::split_message(frame.body);
  if (!parts) return false;
  failed_ = parts->type == operations::kErrorResponse;
  if (!failed_ && parts->type != operation.response) return false;
  const bool understood =
      failed_ ? operations::is_error_response(parts->payload) : operation.is_response(parts->payload);
  const bool with_descriptor = !failed_ && operation.answers_with_descriptor;
  if (!understood || frame.descriptors.size() != (with_descriptor ? 1U : 0U)) return false;
  size_ += frame.body.size();
  // An error is said even where there is no room left.
  if (!failed_ && size_ > wire::kMaxFrame) return false;
  if (with_descriptor) {
    descriptor_ = std::move(frame.descriptors.front());
    descriptor_number_ = descriptor_.get();
    opened_ = operation.response;
    // Its number is this process's own; whoever passes the text on passes the descriptor on as the only one.
    std::string payload;
    wire::append_json(payload, operations::opened_file_payload(0));
    frame.body = wire::join_message(opened_, std::move(payload));
  }
  if (first_text_.empty()) {
    first_text_ = std::move(frame.body);
    first_is_parsed_ = false;
  } else {
    following_texts_.push_back(std::move(frame.body));
  }
  return true;
}

void Responses::clear() {
  first_text_.clear();
  first_is_parsed_ = true;
  following_texts_.clear();
  following_.clear();
  descriptor_.reset();
}

const Message& Responses::first() {
  if (!std::exchange(first_is_parsed_, true)) first_ = parse(first_text_);
  return first_;
}

const std::vector<Message>& Responses::following() {
  for (std::size_t i = following_.size(); i < following_texts_.size(); ++i)
    following_.push_back(parse(following_texts_[i]));
  return following_;
}

void Responses::set_first(Message first) {
  first_ = std::move(first);
  first_is_parsed_ = true;
}

Message Responses::parse(const std::string& text) const {
  Message message = wire::message_from_json(wire::parse_json(text).value()).value();
  if (message.type == opened_) message.payload = operations::opened_file_payload(descriptor_number_);
  return message;
}

}  // namespace nsenterd::service
