// nsenter-agent. As fork server it never comes here; its children do, inside their namespaces.
#include <string_view>

#include <unistd.h>

#include "agent/agent.hpp"
#include "launch/fork_server.hpp"

int main() {
  if (nsenterd::launch::spawned().joined) {
    // No exit handlers: nothing of the process outlives it.
    nsenterd::agent::run();
    ::_exit(0);
  }
  constexpr std::string_view kUsage = "nsenter-agent: run by nsenterd, which enters containers with it\n";
  if (::write(STDERR_FILENO, kUsage.data(), kUsage.size()) < 0) return 1;
  return 2;
}
