// chownSyscallRequest: chown(2), several times, up to the first that fails (agent).
#include <unistd.h>

#include "operations/operation.hpp"

namespace nsenterd::operations {
namespace {

struct Ownership {
  std::string target;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
};

template <class Fields, wire::Describes<Ownership> Payload>
void describe(Fields& fields, Payload& ownership) {
  // -1 leaves an id as it is; to the kernel that is the highest number, which therefore is no id.
  constexpr std::int64_t kUnchanged = -1;
  constexpr std::int64_t kHighest = std::numeric_limits<std::uint32_t>::max() - std::int64_t{1};
  fields.path("target", ownership.target);
  fields.integer("uid", ownership.uid, kUnchanged, kHighest);
  fields.integer("gid", ownership.gid, kUnchanged, kHighest);
}

struct Chown {
  using Request = std::vector<Ownership>;
  using Response = Text;

  static std::optional<std::string> fault(const Request& request) {
    return request.empty() ? std::optional<std::string>("") : std::nullopt;
  }

  static Result<Response> run(const Request& request, const Context& /*context*/) {
    for (const Ownership& ownership : request) {
      const auto uid = static_cast<uid_t>(ownership.uid);
      const auto gid = static_cast<gid_t>(ownership.gid);
      if (::chown(ownership.target.c_str(), uid, gid) != 0) return path_error("chown", ownership.target);
    }
    return Text{};
  }
};

}  // namespace

extern const Operation kChown;
const Operation kChown = make_operation<Chown>("chownSyscallRequest", "chownSyscallResponse");

}  // namespace nsenterd::operations
