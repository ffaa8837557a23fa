/// The files of the page that are built into the program, from the folder `Page`.
extension PageFile {
  static let all = [
    PageFile("index.html", PackageResources.index_html),
    PageFile("login.html", PackageResources.login_html),
    PageFile("style.css", PackageResources.style_css),
    PageFile("api.js", PackageResources.api_js),
    PageFile("app.js", PackageResources.app_js),
    PageFile("chips.js", PackageResources.chips_js),
    PageFile("dialog.js", PackageResources.dialog_js),
    PageFile("elements.js", PackageResources.elements_js),
    PageFile("explanation.js", PackageResources.explanation_js),
    PageFile("filters.js", PackageResources.filters_js),
    PageFile("grid.js", PackageResources.grid_js),
    PageFile("histogram.js", PackageResources.histogram_js),
    PageFile("layout.js", PackageResources.layout_js),
    PageFile("messages.js", PackageResources.messages_js),
    PageFile("query.js", PackageResources.query_js),
    PageFile("statistics.js", PackageResources.statistics_js),
    PageFile("uploads.js", PackageResources.uploads_js),
  ]
}
