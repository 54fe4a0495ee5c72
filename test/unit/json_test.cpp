// wire/json, wire/base64 and wire/message.
#include "wire/json.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>

#include "support/catch.hpp"
#include "wire/base64.hpp"
#include "wire/message.hpp"

using nsenterd::wire::decode_base64;
using nsenterd::wire::encode_base64;
using nsenterd::wire::is_utf8;
using nsenterd::wire::join_message;
using nsenterd::wire::Json;
using nsenterd::wire::message_from_json;
using nsenterd::wire::parse_json;
using nsenterd::wire::split_message;

namespace {

std::string nested(std::size_t levels, char open, char close) {
  return std::string(levels, open) + std::string(levels, close);
}

std::string nested_objects(std::size_t levels) {
  std::string text = "1";
  for (std::size_t i = 0; i < levels; ++i) text = R"({"a":)" + text + "}";
  return text;
}

bool parses(std::string_view text) {
  return parse_json(text).has_value();
}

/// Why a message is refused; empty if it is not.
std::string message_error(std::string_view text) {
  const auto message = message_from_json(Json::parse(text));
  return message ? std::string() : message.error().reason;
}

}  // namespace

TEST_CASE("JSON of every kind is parsed into what it says") {
  const auto value = parse_json(R"( {"a":[1,-2,true,false,null,"x\u00e9\n",1.5,{}],"b":{"c":[]}} )");
  REQUIRE(value.has_value());
  CHECK(value->dump() == R"({"a":[1,-2,true,false,null,"xé\n",1.5,{}],"b":{"c":[]}})");
  for (const char* scalar : {"0", "-0", "\"\"", "null", "true", "1e3"}) CHECK(parses(scalar));
}

TEST_CASE("JSON with a duplicate key is refused, on every level") {
  CHECK_FALSE(parses(R"({"a":1,"a":1})"));
  CHECK_FALSE(parses(R"({"a":1,"b":2,"a":{}})"));
  CHECK_FALSE(parses(R"([{"x":{"a":null,"a":null}}])"));
  // The same key, written differently.
  CHECK_FALSE(parses(R"({"a":1,"\u0061":2})"));
  CHECK(parses(R"({"a":{"a":{"a":1}},"A":2})"));
}

TEST_CASE("JSON may nest 64 levels and no more") {
  CHECK(parses(nested(64, '[', ']')));
  CHECK_FALSE(parses(nested(65, '[', ']')));
  CHECK(parses(nested_objects(64)));
  CHECK_FALSE(parses(nested_objects(65)));
  CHECK(parse_json("[[1]]", 2).has_value());
  CHECK_FALSE(parse_json("[[[1]]]", 2).has_value());
  // Levels that are closed again do not count.
  std::string wide = "[";
  for (int i = 0; i < 1000; ++i) wide += "[],";
  CHECK(parses(wide + "[]]"));
}

TEST_CASE("A million levels of JSON are refused at once") {
  const auto begin = std::chrono::steady_clock::now();
  CHECK_FALSE(parses(std::string(1'000'000, '[')));
  CHECK_FALSE(parses(nested(1'000'000, '[', ']')));
  std::string objects;
  for (int i = 0; i < 1'000'000; ++i) objects += R"({"a":)";
  CHECK_FALSE(parses(objects));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
}

TEST_CASE("JSON integers are exact to both ends of 64 bits") {
  const auto low = parse_json("-9223372036854775808");
  REQUIRE(low.has_value());
  REQUIRE(low->is_number_integer());
  CHECK(low->get<std::int64_t>() == std::numeric_limits<std::int64_t>::min());
  const auto high = parse_json("18446744073709551615");
  REQUIRE(high.has_value());
  REQUIRE(high->is_number_unsigned());
  CHECK(high->get<std::uint64_t>() == std::numeric_limits<std::uint64_t>::max());
  const auto odd = parse_json("9007199254740993");
  REQUIRE(odd.has_value());
  CHECK(odd->get<std::uint64_t>() == 9007199254740993U);
  std::string text;
  nsenterd::wire::append_json(text, *high);
  nsenterd::wire::append_json(text, *low);
  CHECK(text == "18446744073709551615-9223372036854775808");
  // One more is no integer any more, so no integer field takes it.
  CHECK_FALSE(parse_json("18446744073709551616")->is_number_integer());
  CHECK_FALSE(parse_json("-9223372036854775809")->is_number_integer());
  CHECK_FALSE(parses("1e999"));
}

TEST_CASE("Malformed JSON is refused") {
  for (const char* text :
       {"",        " ",         "{",          "}",     "[",        "[1",        "[1,]",        "[,1]",
        "{\"a\"}", "{\"a\":}",  "{\"a\":1,}", "{a:1}", "{'a':1}",  "01",        "+1",          "1.",
        ".5",      "1e",        "0x1",        "NaN",   "Infinity", "tru",       "nul",         "\"",
        "\"\\x\"", "\"\\u12\"", "\"\t\"",     "[1 2]", "// c\n1",  "/* c */ 1", "\"\\ud800\"", "-"}) {
    CAPTURE(text);
    CHECK_FALSE(parses(text));
  }
}

TEST_CASE("JSON with anything behind it is refused") {
  for (const std::string_view text : {"{} x", "{}{}", "1 2", "[]]", "{},", "null null"}) {
    CAPTURE(text);
    CHECK_FALSE(parses(text));
  }
  using std::string_view_literals::operator""sv;
  CHECK_FALSE(parses("{}\0"sv));
  CHECK_FALSE(parses("{}\0{}"sv));
  CHECK_FALSE(parses("[1\0,2]"sv));
  CHECK_FALSE(parses("\"a\0b\""sv));
}

TEST_CASE("JSON that is not UTF-8 is refused") {
  for (const char* bytes : {"\x80", "\xff", "\xc3", "\xc0\x80", "\xe2\x82", "\xed\xa0\x80",
                            "\xf5\x80\x80\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80"}) {
    CHECK_FALSE(parses('"' + std::string(bytes) + '"'));
    CHECK_FALSE(parses("{\"" + std::string(bytes) + "\":1}"));
    CHECK_FALSE(is_utf8(bytes));
    CHECK_FALSE(is_utf8("a" + std::string(bytes)));
  }
  for (const char* bytes :
       {"", "a", "\x7f", "é", "€", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"}) {
    CHECK(parses('"' + (bytes[0] == '\x7f' ? std::string() : std::string(bytes)) + '"'));
    CHECK(is_utf8(bytes));
  }
}

TEST_CASE("The reason why JSON is refused repeats nothing of the text") {
  for (const char* text : {"{\"secret\":1,\"secret\":2}", "[secret", "\"secret\xff\"", "secret"}) {
    const auto value = parse_json(text);
    REQUIRE_FALSE(value.has_value());
    CHECK(value.error().reason.find("secret") == std::string::npos);
    CHECK_FALSE(value.error().reason.empty());
  }
}

TEST_CASE("Base64 brings all bytes back") {
  std::string bytes;
  for (int i = 0; i < 600; ++i) {
    const std::string text = encode_base64(bytes);
    CHECK(text.size() == (bytes.size() + 2) / 3 * 4);
    const auto back = decode_base64(text);
    REQUIRE(back.has_value());
    CHECK(*back == bytes);
    bytes.push_back(static_cast<char>(i * 7));
  }
  CHECK(encode_base64("") == "");
  CHECK(encode_base64("f") == "Zg==");
  CHECK(encode_base64("fo") == "Zm8=");
  CHECK(encode_base64("foo") == "Zm9v");
  CHECK(encode_base64("\xfb\xff") == "+/8=");
}

TEST_CASE("Base64 that is not canonical is refused") {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "Zm9vZg", "====", "=", "Z===", "Z=g=", "=Zg=",
                           "Zg==Zg==", "Zm9v=", "Zm9v====", "Zm 9", "Zm9\n", "Zm9v\n", "Zm-_", "Zm9*",
                           // Bits set behind the last byte.
                           "Zh==", "Zm9=", "//==", "///="}) {
    CAPTURE(text);
    CHECK_FALSE(decode_base64(text));
  }
  CHECK_FALSE(decode_base64(std::string_view("Zm\0v", 4)));
}

TEST_CASE("A message goes to text and back") {
  const std::string payload = R"({"entry":"/é\"\n","x":[1,null]})";
  const std::string text = join_message("lookupRequest", payload);
  CHECK(text == R"({"message":"lookupRequest","payload":{"entry":"/é\"\n","x":[1,null]}})");
  const auto back = split_message(text);
  REQUIRE(back.has_value());
  CHECK(back->type == "lookupRequest");
  CHECK(back->payload == payload);
}

TEST_CASE("Text that join_message would not write is not split") {
  CHECK(split_message(R"({"message":"a","payload":null})"));
  for (const char* text : {"", "{}", R"({"message":"a"})", R"({"payload":null,"message":"a"})",
                           R"({ "message":"a","payload":null})", R"({"message":"a","payload":null} )",
                           R"({"message":"a", "payload":null})"}) {
    CAPTURE(text);
    CHECK_FALSE(split_message(text));
  }
}

TEST_CASE("A message without payload has a null one") {
  const auto message = message_from_json(Json::parse(R"({"message":"mountInfoRequest"})"));
  REQUIRE(message.has_value());
  CHECK(message->payload.is_null());
}

TEST_CASE("A message that is not an envelope is refused by the key that is wrong") {
  CHECK(message_error(R"({"payload":null})") == "message");
  CHECK(message_error("{}") == "message");
  CHECK(message_error("[]") == "message");
  CHECK(message_error("null") == "message");
  CHECK(message_error(R"({"message":1,"payload":null})") == "message");
  CHECK(message_error(R"({"message":null})") == "message");
  CHECK(message_error(R"({"message":""})") == "message");
  CHECK(message_error(R"({"message":"a","Payload":1})") == "Payload");
  CHECK(message_error(R"({"message":"a","payload":1,"more":2})") == "more");
}
