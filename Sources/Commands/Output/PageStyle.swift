/// The style sheets of the HTML pages.
enum PageStyle {
  /// A responsive grid of tiles, light or dark as the system is.
  static let grid = """
    :root {
      --page: #f6f5f2; --tile: #fff; --edge: #e3e0d9; --text: #1d1c1a; --faint: #6d6961;
      --mark: #b4532a;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --page: #161514; --tile: #211f1d; --edge: #35322e; --text: #efece6; --faint: #a09a90;
        --mark: #e88d5f;
      }
    }
    * { box-sizing: border-box; margin: 0; }
    body {
      background: var(--page); color: var(--text); padding: clamp(1rem, 4vw, 3rem);
      font: 15px/1.45 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
    }
    header { max-width: 60rem; margin-bottom: 2rem; }
    h1 { font-size: clamp(1.4rem, 3vw, 2.2rem); line-height: 1.2; overflow-wrap: anywhere; }
    header p { color: var(--faint); margin-top: .4rem; overflow-wrap: anywhere; }
    main { display: grid; gap: 1.1rem; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); }
    figure {
      display: flex; flex-direction: column; min-width: 0; overflow: hidden;
      background: var(--tile); border: 1px solid var(--edge); border-radius: 10px;
    }
    .picture, .query {
      display: flex; align-items: center; justify-content: center; background: #fff;
      overflow: hidden; text-decoration: none;
    }
    .picture { aspect-ratio: 4 / 3; padding: .6rem; border-bottom: 1px solid var(--edge); }
    .query {
      width: fit-content; margin-bottom: 1rem; border: 1px solid var(--edge); border-radius: 10px;
    }
    img { width: auto; height: auto; max-width: 100%; max-height: 100%; display: block; }
    .query img { max-width: 14rem; max-height: 11rem; }
    .missing { color: #6d6961; padding: 1rem; text-align: center; }
    figcaption {
      flex: 1; display: flex; flex-direction: column; gap: .3rem; padding: .75rem .9rem .8rem;
    }
    .path { font-weight: 600; overflow-wrap: anywhere; }
    .path span { font-weight: 400; color: var(--faint); }
    .caption { color: var(--faint); overflow-wrap: anywhere; }
    .scores {
      display: flex; flex-wrap: wrap; align-items: center; gap: .2rem .9rem;
      margin-top: auto; padding-top: .35rem; color: var(--faint); font-size: .87em;
      font-variant-numeric: tabular-nums;
    }
    .scores b { color: var(--text); font-weight: 600; }
    .rank { color: var(--mark); font-weight: 700; }
    .rank::before { content: "#"; }
    meter { width: 4rem; height: .6rem; margin-left: .4rem; vertical-align: baseline; }
    """
}
