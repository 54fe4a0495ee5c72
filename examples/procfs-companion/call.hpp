// One request of the kernel's, from when it comes until it is answered. (Companion.)
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include <fuse_lowlevel.h>
#include <sys/stat.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "caller.hpp"

namespace procfs_companion {

/// Is answered once. One that nobody answers is answered EIO when it is destroyed.
class Call : public std::enable_shared_from_this<Call> {
 public:
  /// `session` is what the request belongs to, which is kept until it has been answered.
  Call(fuse_req_t request, std::shared_ptr<void> session, boost::asio::any_io_executor executor) noexcept;
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  [[nodiscard]] CallerIds caller() const noexcept;
  /// To be bound to what is started for it: it is cancelled when the caller has got a signal. What then comes of it is the answer.
  [[nodiscard]] boost::asio::cancellation_slot cancellable();
  /// Has what was started cancelled.
  void cancel();

  void fail(int error);
  void answer_none();
  void answer_attributes(const struct stat& attributes, double timeout);
  /// False if the kernel has not taken note, because the caller is gone: then it knows nothing of the node, or of the open file.
  [[nodiscard]] bool answer_entry(const fuse_entry_param& entry);
  [[nodiscard]] bool answer_open(const fuse_file_info& file);
  void answer_bytes(std::string_view bytes);
  void answer_count(std::size_t count);
  /// The length of a list of extended attributes.
  void answer_length(std::size_t length);
  void answer_link(const char* target);
  void answer_filesystem(const struct statvfs& status);
  /// To write entries of a directory with; still to be answered.
  [[nodiscard]] fuse_req_t request() const noexcept { return request_; }

 private:
  /// Whom libfuse has freed when the answer is given.
  fuse_req_t take() noexcept;

  fuse_req_t request_;
  std::shared_ptr<void> session_;
  boost::asio::any_io_executor executor_;
  boost::asio::cancellation_signal cancellation_;
};

}  // namespace procfs_companion
