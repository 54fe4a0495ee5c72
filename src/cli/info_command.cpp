#include "cli/commands.hpp"
#include "cli/escape.hpp"
#include "cli/session.hpp"
#include "cli/standard_streams.hpp"

namespace nsenterd::cli {
namespace {

/// "vendor: ...", the name in a column of its own; nothing where the daemon does not say.
std::string info_line(const wire::Json& about, const std::string& name) {
  const auto found = about.find(name);
  if (found == about.end()) return {};
  std::string value;
  if (const auto* text = found->get_ptr<const std::string*>()) value = *text;
  for (const wire::Json& element : found->is_array() ? *found : wire::Json::array()) {
    const auto* text = element.get_ptr<const std::string*>();
    if (text != nullptr) value.append(value.empty() ? "" : ", ").append(*text);
  }
  constexpr std::size_t kWidth = 12;
  return name + ':' + std::string(kWidth - name.size(), ' ') + escape(value) + '\n';
}

Outcome<void> info(Session& session, const Options& options) {
  const auto reply = session.call("org.varlink.service.GetInfo", wire::Json::object());
  if (!reply) return reply.error();
  if (options.json) return write_json(reply->parameters);
  std::string text;
  for (const char* name : {"vendor", "product", "version", "url", "interfaces"}) {
    text += info_line(reply->parameters, name);
  }
  return write_output(text);
}

}  // namespace

void declare_info_command(Syntax& program) {
  program.command("info", "Show what the daemon says about itself", info).json();
}

}  // namespace nsenterd::cli
