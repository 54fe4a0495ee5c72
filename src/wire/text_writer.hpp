// Writes payloads as JSON text, without a JSON value in between. (Both sides.)
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nsenterd::wire {

/// Appends a JSON string. `text` is UTF-8.
void append_string(std::string& out, std::string_view text);

/// Writes the fields of a payload in the order of its describe(), without blanks.
class TextWriter {
 public:
  /// Appends to `out`, which outlives the writer.
  explicit TextWriter(std::string& out) : out_(out) {}

  void text(const char* name, std::string_view in, std::size_t /*limit*/ = 0) {
    key(name);
    append_string(out_, in);
  }
  void path(const char* name, std::string_view in) { text(name, in); }
  void bytes(const char* name, std::string_view in) {
    key(name);
    base64(in);
  }
  void boolean(const char* name, bool in) {
    key(name);
    out_ += in ? "true" : "false";
  }
  void optional_boolean(const char* name, bool in) { boolean(name, in); }
  void word(const char* name, bool in, const char* first, const char* second) {
    text(name, in ? second : first);
  }
  template <std::integral T>
  void integer(const char* name, T in, T /*low*/ = {}, T /*high*/ = {}) {
    key(name);
    element(in);
  }
  template <std::integral T>
  void decimal(const char* name, T in, T /*low*/ = {}, T /*high*/ = {}) {
    key(name);
    out_ += '"';
    element(in);
    out_ += '"';
  }
  void padding(const char* name, const char* value) {
    key(name);
    out_ += value;
  }
  /// An empty list is null, as Go writes it.
  template <class T>
  void list(const char* name, const std::vector<T>& in) {
    key(name);
    if (in.empty()) return null();
    elements(in);
  }
  template <std::integral T, std::size_t Size>
  void array(const char* name, const std::array<T, Size>& in) {
    key(name);
    elements(in);
  }
  template <class T>
  void object(const char* name, const T& in) {
    key(name);
    TextWriter inner(out_);
    inner.read(in);
  }
  /// Of a payload that has another field as well.
  template <class T>
  void optional_object(const char* name, const std::optional<T>& in) {
    if (in) object(name, *in);
  }

  // The value itself. Named as the readers' are, so that one description serves them all.

  void null() { out_ += "null"; }
  void string(std::string_view in) { append_string(out_, in); }
  void base64(std::string_view in);
  template <class T>
  void read(const T& in) {
    first_ = true;
    describe(*this, in);
    out_ += '}';
  }
  template <class T>
  void read(const std::vector<T>& in) {
    if (in.empty()) return null();
    char separator = '[';
    for (const T& each : in) {
      out_ += separator;
      separator = ',';
      read(each);
    }
    out_ += ']';
  }

 private:
  void key(std::string_view name) {
    out_ += first_ ? '{' : ',';
    first_ = false;
    out_ += '"';
    out_ += name;
    out_ += "\":";
  }
  template <std::integral T>
  void element(T in) {
    std::array<char, 24> digits;
    const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), in);
    out_.append(digits.data(), result.ptr);
  }
  void element(const std::string& in) { append_string(out_, in); }
  template <class List>
  void elements(const List& in) {
    char separator = '[';
    for (const auto& each : in) {
      out_ += separator;
      separator = ',';
      element(each);
    }
    out_ += ']';
  }

  std::string& out_;
  bool first_ = true;
};

}  // namespace nsenterd::wire
