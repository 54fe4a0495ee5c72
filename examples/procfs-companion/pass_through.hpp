// The container's own procfs: every call is made again, by nsenterd, in the namespaces of who has made it. (Companion.)
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <nsenterd/client.hpp>

#include "container.hpp"
#include "handler.hpp"

namespace procfs_companion {

/// Whom a tree is for, and who is asked.
struct Service {
  nsenterd::Client& client;
  std::shared_ptr<Container> container;
};

class PassThrough : public Handler {
 public:
  explicit PassThrough(Service service) noexcept : service_(std::move(service)) {}

  [[nodiscard]] struct stat shown(const struct stat& real) const override { return real; }
  void look(const Place& place, Reply<struct stat> reply) override;
  void check(const Place& place, int flags, Purpose purpose, Reply<std::monostate> reply) override;
  void read(const Place& place, OpenFile& file, off_t offset, std::size_t size,
            Reply<std::string> reply) override;
  void write(const Place& place, const OpenFile& file, off_t offset, std::string data,
             Reply<std::size_t> reply) override;
  void list(const Place& place, Reply<std::vector<Entry>> reply) override;
  void read_link(const Place& place, Reply<std::string> reply) override;

 private:
  template <nsenterd::Request R, class T>
  void ask(const Place& place, const std::shared_ptr<const Caller>& caller,
           const nsenterd::Envelope& envelope, const R& request, Reply<T> reply,
           std::function<T(typename R::Response&&)> convert);
  [[nodiscard]] Outcome<std::shared_ptr<const Caller>> identify(const Place& place) const;
  /// Who uses an open file: EPERM for a thread of the container that is not in the namespaces that it was opened in.
  [[nodiscard]] Outcome<std::shared_ptr<const Caller>> identify_user(const Place& place,
                                                                     const OpenFile& file) const;

  Service service_;
};

/// The same, of files that nobody may write to, whatever the kernel would let him.
class ReadOnly : public PassThrough {
 public:
  using PassThrough::PassThrough;

  [[nodiscard]] struct stat shown(const struct stat& real) const override;
  void check(const Place& place, int flags, Purpose purpose, Reply<std::monostate> reply) override;
  void write(const Place& place, const OpenFile& file, off_t offset, std::string data,
             Reply<std::size_t> reply) override;
};

}  // namespace procfs_companion
