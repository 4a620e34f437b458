#include "download.hpp"

#include "cinebokeh/core/error.hpp"

#if defined(CINEBOKEH_DEMO_CURL)
#include <curl/curl.h>

#include <memory>
#endif

namespace cinebokeh::demo {

#if defined(CINEBOKEH_DEMO_CURL)
namespace {
struct Received {
    std::vector<uint8_t> bytes;
    size_t at_most = 0;
    bool too_long = false;
};
size_t receive(char* data, size_t size, size_t count, void* context) {
    Received& received = *static_cast<Received*>(context);
    const size_t bytes = size * count;
    if (bytes > received.at_most - received.bytes.size()) {
        received.too_long = true;
        return 0;  // stops the transfer
    }
    received.bytes.insert(received.bytes.end(), data, data + bytes);
    return bytes;
}
}  // namespace

bool can_download() { return true; }

std::vector<uint8_t> download(const std::string& url, size_t at_most) {
    const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
    require(curl != nullptr, "libcurl cannot be started");
    Received received{{}, at_most, false};
    char problem[CURL_ERROR_SIZE] = "";
    const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(curl.get(), option, value); };
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_WRITEFUNCTION, &receive);
    set(CURLOPT_WRITEDATA, &received);
    set(CURLOPT_ERRORBUFFER, problem);
    set(CURLOPT_FAILONERROR, 1L);
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, 5L);
    set(CURLOPT_CONNECTTIMEOUT, 30L);
    set(CURLOPT_LOW_SPEED_LIMIT, 1000L);  // a transfer below 1 kB a second for half a minute has stopped
    set(CURLOPT_LOW_SPEED_TIME, 30L);
    set(CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
    set(CURLOPT_PROTOCOLS_STR, "https,http,file");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "https");
#else
    set(CURLOPT_PROTOCOLS, long(CURLPROTO_HTTPS | CURLPROTO_HTTP | CURLPROTO_FILE));
    set(CURLOPT_REDIR_PROTOCOLS, long(CURLPROTO_HTTPS));
#endif
    const CURLcode code = curl_easy_perform(curl.get());
    require(!received.too_long, "'", url, "' is longer than the ", at_most, " bytes that are expected");
    require(code == CURLE_OK, "'", url, "' cannot be downloaded: ", *problem ? problem : curl_easy_strerror(code));
    return std::move(received.bytes);
}
#else
bool can_download() { return false; }
std::vector<uint8_t> download(const std::string& url, size_t) {
    fail("'" + url +
         "' cannot be downloaded: this program was built without libcurl. Install it (apt-get install "
         "libcurl4-openssl-dev) and build again");
}
#endif
}  // namespace cinebokeh::demo
