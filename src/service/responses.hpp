// What an event has been answered (daemon, or a program that embeds the library).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nsenterd/message.hpp>

#include "base/foreign_fd.hpp"
#include "operations/operation.hpp"
#include "service/agent_channel.hpp"

namespace nsenterd::service {

class Responses {
 public:
  /// `first` is what the first one is taken for until it is there.
  explicit Responses(Message first) : first_(std::move(first)) {}

  /// Takes up the next one. False if it is none that this operation may give, or if it is too much.
  bool take(const operations::Operation& operation, Frame frame);
  /// Forgets all that have been taken up.
  void clear();

  [[nodiscard]] std::size_t count() const noexcept {
    return first_text_.empty() ? 0 : 1 + following_texts_.size();
  }
  /// In bytes, of all of them.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Whether the last one is an errorResponse.
  [[nodiscard]] bool failed() const noexcept { return failed_; }

  /// Parsed only now: who passes them on takes the texts.
  [[nodiscard]] const Message& first();
  [[nodiscard]] const std::vector<Message>& following();
  void set_first(Message first);

  /// For those who pass them on: in them the descriptor is the first of those that go along.
  [[nodiscard]] const std::string& first_text() const noexcept { return first_text_; }
  [[nodiscard]] const std::vector<std::string>& following_texts() const noexcept { return following_texts_; }
  /// What came with one of them.
  [[nodiscard]] base::ForeignFd& descriptor() noexcept { return descriptor_; }

 private:
  [[nodiscard]] Message parse(const std::string& text) const;

  Message first_;
  bool first_is_parsed_ = true;
  std::vector<Message> following_;
  std::string first_text_;
  std::vector<std::string> following_texts_;
  std::size_t size_ = 0;
  bool failed_ = false;
  base::ForeignFd descriptor_;
  // The descriptor's, also when it has been given up; and the type of the response that it came with.
  int descriptor_number_ = -1;
  std::string_view opened_;
};

}  // namespace nsenterd::service
