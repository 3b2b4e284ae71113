<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="paletted" band="1" opacity="1" alphaBand="-1" nodataColor="">
      <rasterTransparency />
      <colorPalette>
        <paletteEntry value="0" color="#000000" alpha="0" label="no data" />
        <paletteEntry value="1" color="#2b6cb0" alpha="255" label="water" />
        <paletteEntry value="2" color="#ffa90e" alpha="255" label="forest" />
        <paletteEntry value="3" color="#bd1f01" alpha="255" label="cluster 3" />
      </colorPalette>
    </rasterrenderer>
  </pipe>
  <blendMode>0</blendMode>
</qgis>
