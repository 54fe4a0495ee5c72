// A service that does with each connection what a test says.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <nsenterd/unique_fd.hpp>

#include "support/temporary_directory.hpp"

namespace nsenterd::test {

class FakeService {
 public:
  /// What it does with a connection that it has accepted; it is closed then.
  using Serve = std::function<void(int connection)>;

  /// Serves as many connections as there are functions, one after the other.
  explicit FakeService(std::vector<Serve> serve);
  FakeService(const FakeService&) = delete;
  FakeService& operator=(const FakeService&) = delete;
  /// Waits for the last connection to be served.
  ~FakeService();

  [[nodiscard]] std::string socket() const { return directory_ / "socket"; }

  /// A whole call, without its NUL; empty at the connection's end.
  static std::string read_call(int connection);
  static void write(int connection, std::string_view text);

 private:
  TemporaryDirectory directory_;
  UniqueFd listener_;
  std::thread server_;
};

}  // namespace nsenterd::test
