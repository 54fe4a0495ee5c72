// What a command takes, as the command's own file declares it (nsenterctl). Hides CLI11.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace nsenterd::cli {

/// Text that JSON can carry: UTF-8.
std::optional<std::string> parse_text(std::string_view text);
/// Bytes that JSON carries in base64: any.
std::optional<std::string> parse_bytes(std::string_view bytes);

/// What a command does that has arguments of its own. They are shared with the syntax, which fills them in.
template <class T>
Run with(std::shared_ptr<T> own, Outcome<void> (*run)(Session&, const Options&, const T&)) {
  return [own, run](Session& session, const Options& options) { return run(session, options, *own); };
}

/// A command, or the program itself with the options that stand before the command. What is declared is written
/// to the targets while the command line is parsed, so they have to live that long.
class Syntax {
 public:
  Syntax(CLI::App& app, Options& options) : app_(&app), options_(&options) {}

  /// A command of this program, or of a group of them. It takes --socket and --timeout.
  Syntax command(const char* name, const char* description, Run run);
  /// A word that several commands begin with.
  Syntax group(const char* name, const char* description);

  /// An argument, whose value `parse` turns into `target`, or refuses by returning nothing.
  template <class Parse, class T>
  Syntax& argument(const char* name, Parse parse, T& target, const char* description) {
    add_argument(name, assignment(parse, target), description, true);
    return *this;
  }
  /// An argument that may be left out, as the last.
  template <class Parse, class T>
  Syntax& optional_argument(const char* name, Parse parse, std::optional<T>& target,
                            const char* description) {
    add_argument(name, assignment(parse, target), description, false);
    return *this;
  }
  /// One text or more, as the last.
  Syntax& arguments(const char* name, std::vector<std::string>& target, const char* description);
  /// "--name" or "-n,--name", and a value.
  template <class Parse, class T>
  Syntax& option(const char* name, Parse parse, T& target, const char* type, const char* description) {
    add_option(name, assignment(parse, target), type, description);
    return *this;
  }
  Syntax& flag(const char* name, bool& target, const char* description);

  /// The process whose namespaces are entered, and which of them.
  Syntax& target();
  /// The argument that Options::path is.
  Syntax& path(const char* name = "PATH");
  Syntax& private_views();
  Syntax& credentials();
  /// --as, and the credentials.
  Syntax& personality();
  Syntax& json();
  /// Another command follows the arguments.
  Syntax& takes_command();

  /// Options of every command.
  Syntax& connection();
  /// What target() adds besides the process.
  Syntax& namespaces();

 private:
  /// False refuses the value.
  using Assign = std::function<bool(const std::string& typed)>;

  template <class Parse, class T>
  static Assign assignment(Parse parse, T& target) {
    return [parse, &target](const std::string& typed) {
      const auto value = parse(typed);
      if (value) target = *value;
      return value.has_value();
    };
  }

  void add_argument(const char* name, Assign assign, const char* description, bool required);
  void add_option(const char* name, Assign assign, const char* type, const char* description);
  /// The same, of options that several commands take.
  Syntax& share_option(const char* name, Assign assign, const char* type, const char* description);
  void share_flag(const char* name, bool& target, const char* description);
  CLI::Option* add_value(const char* name, Assign assign, const char* description);

  CLI::App* app_;
  Options* options_;
};

}  // namespace nsenterd::cli
